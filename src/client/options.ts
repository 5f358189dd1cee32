/** What `openRemoteVault` takes, and whether it can work. */
import type { Clock } from "../core/clock.ts";
import { configurationProblems } from "../core/errors.ts";
import { unknownNames } from "../core/known-names.ts";
import type { Secret } from "../core/secret.ts";
import { flawIn } from "../core/verbatim.ts";
import { isConfidential } from "../core/confidential-url.ts";

/**
 * A caller's key, `obk_…` or `obs_…`; or what gives it. A function is called once before the first request, and once more where the
 * service says that the key does not work: a key that was rotated is then read anew.
 */
export type CallerKey = string | Secret | (() => string | Secret | Promise<string | Secret>);

/** What {@link openRemoteVault} takes. */
export interface RemoteVaultOptions {
  /** Where the service is reached, such as `https://vault.example.com`, with the path that it is mounted at. */
  readonly url: string | URL;
  /** The key that the service knows this program by. Give this or {@link keyFile}. */
  readonly key?: CallerKey;
  /** A file with the key, read as a function given as {@link key} is called. Give this or {@link key}. */
  readonly keyFile?: string;
  /** Whether a plain http URL may lead to another machine: the key and every token are then readable on the way. Default: false. */
  readonly allowHttp?: boolean;
  /** How long one request that reads may take, seconds. One that takes longer is sent again. Default: 10. */
  readonly timeoutSeconds?: number;
  /** For how long a request is sent again while the service does not answer, seconds. 0: it is sent once. Default: 45. */
  readonly waitSeconds?: number;
  /**
   * How long a token is kept at most before the service is asked again, seconds: for so long can a token of a grant be handed out that
   * another program has revoked. Default: until the service has the next one, which is 85 % of the token's life.
   */
  readonly maxAgeSeconds?: number;
  /** How many tokens are kept at most. The least used go first. Default: 50,000. */
  readonly maxTokens?: number;
  /** What sends requests, to the service and to APIs. Default: the `fetch` of the runtime. */
  readonly fetch?: typeof fetch;
  /** Default: the machine's own time. */
  readonly clock?: Clock;
}

const names: Readonly<Record<keyof RemoteVaultOptions, true>> = {
  url: true,
  key: true,
  keyFile: true,
  allowHttp: true,
  timeoutSeconds: true,
  waitSeconds: true,
  maxAgeSeconds: true,
  maxTokens: true,
  fetch: true,
  clock: true,
};

/** A problem, and what to do about it. */
type Problem = readonly [problem: string, hint: string];

/**
 * Refuses options that cannot work, all at once. No message holds a key.
 *
 * @throws {OnbehalfError} `configuration_invalid`
 */
export function assertRemoteOptions(options: RemoteVaultOptions): void {
  const given: unknown = options;
  const problems: readonly Problem[] =
    typeof given === "object" && given !== null
      ? problemsOf(given as Readonly<Record<string, unknown>>)
      : [["openRemoteVault must be given options", "give { url, key }"]];
  const [first] = problems;
  if (first === undefined) return;
  throw configurationProblems(
    problems.map(([problem]) => problem),
    problems.length === 1 ? first[1] : problems.map(([, hint]) => hint).join("; "),
  );
}

function problemsOf(given: Readonly<Record<string, unknown>>): Problem[] {
  const { url, key, keyFile, allowHttp, timeoutSeconds, waitSeconds, maxAgeSeconds, maxTokens, clock } = given;
  const problems: Problem[] = [];
  const check = (isGood: boolean, problem: string, hint: string): void => {
    if (!isGood) problems.push([problem, hint]);
  };
  for (const { name, meant } of unknownNames(given, Object.keys(names))) {
    const hint = meant === undefined ? `use ${Object.keys(names).join(", ")}` : `write ${meant}`;
    problems.push([`${name} is no option of openRemoteVault`, hint]);
  }
  const urlProblem = problemOfUrl(url, allowHttp === true);
  if (urlProblem !== undefined) problems.push(urlProblem);
  check((key === undefined) !== (keyFile === undefined), "give either key or keyFile", "give the caller's key, obk_…");
  if (typeof key === "string" || isSecret(key)) {
    const flaw = flawInKey(typeof key === "string" ? key : key.expose());
    if (flaw !== undefined) problems.push([`key ${flaw[0]}`, flaw[1]]);
  } else
    check(
      key === undefined || typeof key === "function",
      "key must be a text, a Secret or a function",
      "give the caller's key, obk_…",
    );
  check(
    keyFile === undefined || (typeof keyFile === "string" && keyFile !== ""),
    "keyFile must be the path of a file",
    "give the path of the file with the caller's key",
  );
  check(
    allowHttp === undefined || typeof allowHttp === "boolean",
    "allowHttp must be true or false",
    "give true or false, or leave it out",
  );
  check(
    timeoutSeconds === undefined || isSeconds(timeoutSeconds, 0.001, 600),
    "timeoutSeconds must be a number of seconds above 0, at most 600",
    "give such a number, or leave it out",
  );
  check(
    waitSeconds === undefined || isSeconds(waitSeconds, 0, 600),
    "waitSeconds must be a number of seconds from 0 to 600",
    "give such a number, or leave it out",
  );
  check(
    maxAgeSeconds === undefined || isSeconds(maxAgeSeconds, 0, Infinity),
    "maxAgeSeconds must be a number of seconds, 0 or more",
    "give such a number, or leave it out",
  );
  check(
    maxTokens === undefined || (Number.isSafeInteger(maxTokens) && (maxTokens as number) > 0),
    "maxTokens must be a whole number above 0",
    "give such a number, or leave it out",
  );
  check(
    given["fetch"] === undefined || typeof given["fetch"] === "function",
    "fetch must be a function such as fetch",
    "give such a function, or leave it out",
  );
  check(clock === undefined || hasNow(clock), "clock must be a clock", "give fixedClock(…), or leave it out");
  return problems;
}

function isSeconds(value: unknown, from: number, to: number): boolean {
  return typeof value === "number" && value >= from && value <= to;
}

function hasNow(value: unknown): boolean {
  return typeof value === "object" && value !== null && "now" in value && typeof value.now === "function";
}

/** Whether a value gives its text by `expose()` only. */
export function isSecret(value: unknown): value is Secret {
  return typeof value === "object" && value !== null && "expose" in value && typeof value.expose === "function";
}

function problemOfUrl(given: unknown, allowHttp: boolean): Problem | undefined {
  const hint = "give the address of the service, such as https://vault.example.com";
  const text = given instanceof URL ? given.href : given;
  if (typeof text !== "string") return ["url must be given", hint];
  const flaw = flawIn(text);
  if (flaw !== undefined) return [`url ${flaw.is}`, flaw.hint];
  if (!URL.canParse(text)) return ["url must be an absolute URL", hint];
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol)) return ["url must be an https URL", hint];
  if (url.username !== "" || url.password !== "")
    return ["url must have no user name and no password", "give the key as key, and the URL without it"];
  if (url.search !== "" || url.hash !== "") return ["url must have no query and no fragment", hint];
  if (!isConfidential(url.href) && !allowHttp) {
    return [
      `url must be https: plain http to ${url.hostname} lets everybody on the way read the key and the tokens`,
      "give the https address of the service; where the network between is yours alone, set allowHttp",
    ];
  }
  return undefined;
}

/**
 * What is wrong with a caller's key, and what to do. Another secret that was given by mistake, such as a master key, must not
 * reach the service.
 *
 * @returns undefined where it looks like one
 */
export function flawInKey(key: unknown): Problem | undefined {
  if (typeof key !== "string" || key === "") return ["is empty, or no text", "give the caller's key, obk_…"];
  const flaw = flawIn(key);
  if (flaw !== undefined) return [flaw.is, flaw.hint];
  if (/^ob[ks]_[\w-]{8,512}$/.test(key)) return undefined;
  return [
    "is no caller key",
    "give a key as onbehalf callers create NAME --allow … prints it: obk_…; or of a session: obs_…",
  ];
}
