import { isWebhookSecret, isWebhookUrl } from "../../core/events/webhook-address.ts";
import { unknownNames } from "../../core/known-names.ts";
import { trustedIssuerProblems } from "../../core/trusted-issuer.ts";
import { flawIn } from "../../core/verbatim.ts";

/** Something wrong with an option of `openVault` or `openKeeper`. */
export interface OptionProblem {
  readonly problem: string;
  readonly hint: string;
}

/** What each option must be, beside providers. A program without types could give anything. */
const rules: readonly (readonly [name: string, fits: (value: unknown) => boolean, must: string, hint: string])[] = [
  ["store", (value) => hasFunction(value, "open"), "must be a store", "give sqlite(path) or postgres(url)"],
  [
    "keyring",
    isFunction,
    "must say where the master key comes from",
    "give keyringFromEnv(name) or keyringFromFile(path)",
  ],
  ["providers", orAbsent(Array.isArray), "must be a list of providers", "give [google({ clientSecretFile })]"],
  ["onEvent", orAbsent(isFunction), "must be a function", "give a function, or leave it out"],
  ["onFault", orAbsent(isFunction), "must be a function", "give a function, or leave it out"],
  [
    "keeper",
    orAbsent((value) => value === "process" || value === "in-process" || hasFunction(value, "refresh")),
    "must say where refresh tokens are opened",
    'give "process" or "in-process", or what openKeeper returns; or leave it out',
  ],
  [
    "keeperProgram",
    orAbsent((value) => value instanceof URL || (typeof value === "string" && value !== "")),
    "must be the file of the keeper's program",
    "give its path or file: URL, or leave it out",
  ],
  [
    "telemetry",
    orAbsent(isTelemetry),
    "must be the module @opentelemetry/api",
    'give what import * as telemetry from "@opentelemetry/api" gives, or leave it out',
  ],
  ["fetch", orAbsent(isFunction), "must be a function such as fetch", "give such a function, or leave it out"],
  ["random", orAbsent(isFunction), "must be a function", "give a function, or leave it out"],
  ["clock", orAbsent((value) => hasFunction(value, "now")), "must be a clock", "give fixedClock(…), or leave it out"],
  [
    "audit",
    orAbsent((value) => ["callers", "all", "none"].includes(value as string)),
    "must say whose tokens are recorded",
    'give "callers", "all" or "none", or leave it out',
  ],
  [
    "auditName",
    orAbsent((value) => typeof value === "string" && /^@[\w.-]{1,32}$/.test(value)),
    "must be @ and up to 32 letters, digits, and . _ -",
    "give a name such as @billing, or leave it out",
  ],
  [
    "migrate",
    orAbsent((value) => typeof value === "boolean"),
    "must be true or false",
    "give one of these, or leave it out",
  ],
  [
    "exchangeRate",
    orAbsent(isRate),
    "must have perSecond and burst, both numbers above 0",
    "give { perSecond: 50, burst: 50 }, or leave it out",
  ],
  [
    "webhook",
    orAbsent(isWebhook),
    "must have url, https or http on this machine, and secrets, each whsec_ and base64 of 24 to 64 bytes",
    "give { url, secrets: [secret] }, or leave it out",
  ],
  [
    "eventsKeptDays",
    orAbsent((value) => typeof value === "number" && value >= 2 && value <= 3_650),
    "must be a number of days from 2 to 3650",
    "give such a number, or leave it out",
  ],
  [
    "consentEndsSoonDays",
    orAbsent((value) => typeof value === "number" && value >= 1 && value <= 90),
    "must be a number of days from 1 to 90",
    "give such a number, or leave it out",
  ],
  [
    "tokenMemoryMb",
    orAbsent((value) => typeof value === "number" && value >= 1 && value <= 65_536),
    "must be a number of MiB from 1 to 65536",
    "give such a number, or leave it out",
  ],
];

function isTelemetry(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { trace, context, propagation } = value as Record<string, unknown>;
  return hasFunction(trace, "getTracer") && hasFunction(context, "with") && hasFunction(propagation, "extract");
}

function isWebhook(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { url, secrets } = value as { readonly url?: unknown; readonly secrets?: unknown };
  const isSecret = (each: unknown): boolean => typeof each === "string" && isWebhookSecret(each);
  return (
    typeof url === "string" &&
    isWebhookUrl(url) &&
    Array.isArray(secrets) &&
    secrets.length > 0 &&
    secrets.every(isSecret)
  );
}

/** Options that have no rule here. */
const others = ["provider", "connect", "trustedIssuers", "rescueFolder", "exchangeTimeoutMs"];

/**
 * Everything that is wrong with the options, beside what is wrong with the providers themselves.
 *
 * @param options as a program gave them
 */
export function optionProblems(options: object): OptionProblem[] {
  const given = options as Readonly<Record<string, unknown>> | null | undefined;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    return [{ problem: "options must be an object", hint: "give { provider, store, keyring }" }];
  }
  const wrong = rules
    .filter(([name, fits]) => !fits(given[name]))
    .map(([name, , must, hint]) => ({ problem: `${name} ${must}`, hint }));
  return [
    ...unknownOptions(given),
    ...wrong,
    ...idleProgram(given),
    ...folderProblems(given["rescueFolder"]),
    ...issuerProblems(given["trustedIssuers"]),
  ];
}

/** An option that was misspelt would be ignored, and its default be used without a word. */
function unknownOptions(given: Readonly<Record<string, unknown>>): OptionProblem[] {
  const known = [...others, ...rules.map(([name]) => name)];
  return unknownNames(given, known).map(({ name, meant }) => ({
    problem: `${name} is no option`,
    hint: meant === undefined ? `use ${known.join(", ")}` : `write ${meant}`,
  }));
}

/** Whoever says where the keeper's program is means it to run. */
function idleProgram({ keeper, keeperProgram }: Readonly<Record<string, unknown>>): OptionProblem[] {
  if (keeperProgram === undefined || keeper === "process") return [];
  return [
    {
      problem: 'keeperProgram is of use with keeper: "process" alone',
      hint: 'give keeper: "process" as well, or leave keeperProgram out',
    },
  ];
}

function folderProblems(folder: unknown): OptionProblem[] {
  if (folder === undefined) return [];
  const hint = "give the path of a folder, or leave it out";
  if (typeof folder !== "string" || folder === "") return [{ problem: "rescueFolder must be a path", hint }];
  const flaw = flawIn(folder);
  return flaw === undefined ? [] : [{ problem: `rescueFolder ${flaw.is}`, hint: flaw.hint }];
}

function issuerProblems(issuers: unknown): OptionProblem[] {
  if (issuers === undefined) return [];
  const hint = "give [{ issuer, audience, jwksUri, externalIdClaim }], or leave it out";
  if (!Array.isArray(issuers)) return [{ problem: "trustedIssuers must be a list", hint }];
  const wrong = issuers.flatMap((each: unknown, at) =>
    trustedIssuerProblems(each).map(({ member, problem }) => {
      const what = member === "" ? "" : `.${member}`;
      return { problem: `trustedIssuers[${at}]${what} ${problem}`, hint };
    }),
  );
  const named = issuers.map((each: unknown) => (each as { readonly issuer?: unknown } | null)?.issuer);
  const isTwice = new Set(named).size < named.length;
  return isTwice ? [...wrong, { problem: "trustedIssuers must name each issuer once", hint }] : wrong;
}

function orAbsent(fits: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => value === undefined || fits(value);
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function hasFunction(value: unknown, name: string): boolean {
  return typeof value === "object" && value !== null && isFunction((value as Record<string, unknown>)[name]);
}

function isRate(value: unknown): boolean {
  const { perSecond, burst } = (value ?? {}) as Record<string, unknown>;
  return [perSecond, burst].every((each) => typeof each === "number" && each > 0 && Number.isFinite(each));
}
