import { dirname, resolve } from "node:path";
import {
  github,
  google,
  isOnbehalfError,
  mcpServer,
  microsoft,
  oauth2,
  oidc,
  parseClientSecretJson,
  providerProblems,
  slack,
} from "../../index.ts";
import type { Provider } from "../../index.ts";
import { defined } from "../../core/defined.ts";
import { nearestName } from "../../core/known-names.ts";
import { shownPath } from "../../core/secret-likeness.ts";
import { readSmallFile } from "../../local/small-file.ts";
import { memberLines } from "./member-lines.ts";
import { settingNames } from "./settings.ts";

type Members = Readonly<Record<string, unknown>>;

/** A type of provider: what it is made of beside what every provider may have. */
interface ProviderType {
  readonly members: readonly string[];
  /** @param baseUrl by which people reach the service */
  make(options: Record<string, unknown>, baseUrl: string): Provider;
}

const endpoints = ["authorization_endpoint", "token_endpoint", "revocation_endpoint"];

const types: Readonly<Record<string, ProviderType>> = {
  google: {
    members: ["base_url", "hosted_domain", "popup_redirect_uri", "authorized_parties", "dpop"],
    make: (options) => google(options),
  },
  oidc: {
    members: [
      ...endpoints,
      "issuer",
      "jwks_uri",
      "also_issued_as",
      "id_token_algorithms",
      "authorized_parties",
      "unknown_nonces",
      "private_key_file",
    ],
    make: ({ authorizationEndpoint, tokenEndpoint, revocationEndpoint, jwksUri, ...rest }) => {
      const given = defined({ authorizationEndpoint, tokenEndpoint, revocationEndpoint, jwksUri });
      return oidc({ ...rest, ...(Object.keys(given).length === 0 ? {} : { endpoints: given }) } as never);
    },
  },
  oauth2: {
    members: [...endpoints, "issuer", "identity", "resource", "tokens_in", "other_tokens_in", "private_key_file"],
    make: ({ identity, ...rest }) => oauth2({ ...rest, identity: identityOf(identity) } as never),
  },
  mcp: {
    members: ["server", "client_name", "identity"],
    make: (options, baseUrl) => mcpServer({ ...addressesOf(options, baseUrl), ...options } as never),
  },
  github: { members: ["base_url"], make: (options) => github(options as never) },
  slack: { members: ["tokens", "base_url"], make: (options) => slack(options as never) },
  microsoft: {
    members: ["tenant", "base_url", "private_key_file"],
    make: (options) => microsoft(options as never),
  },
};

/** Where the service takes the answers of authorization servers, and serves what describes its client there. */
function addressesOf({ name, clientId }: Readonly<Record<string, unknown>>, baseUrl: string): object {
  if (clientId !== undefined) return {};
  const redirectUri = `${baseUrl}/connect/callback`;
  // Servers read the document from where they are: nothing on this machine is of use to them.
  if (!baseUrl.startsWith("https:")) return { redirectUri };
  return { redirectUri, clientDocumentUrl: `${baseUrl}/oauth/client/${String(name)}.json` };
}

const clientMembers = ["client_id", "client_secret", "client_secret_file", "client_secret_env"];

/** What every provider may have. Each is a member of a record, by its own name. */
const common = [
  "client_authentication",
  "scopes",
  "rotation",
  "api_hosts",
  "token_hosts",
  "private_apis",
  "forward_headers",
  "keep_alive_days",
  "access_token_ttl_seconds",
  "announced_ends",
  "authorization_request",
  "canonical_scopes",
  "redirect_uri_for",
  "refusals",
  "token_refusals",
  "connections_page",
  "display_name",
  "signals",
  "offline_hint",
];

/** Tells what is wrong with a member of the provider that is being read. */
type Tell = (member: string, problem: string) => void;

/**
 * The providers of a file: `{"providers": [{"name", "type", …}]}`. Reads the files and variables that hold their secrets.
 *
 * @param path of the file; files that it names are found from its folder
 * @param problems everything that is wrong is added, each with the file, the line and the member
 * @param environment where `client_secret_env` is looked up
 * @param baseUrl by which people reach the service
 */
export function providersIn(
  path: string,
  problems: string[],
  // oxlint-disable-next-line eslint/no-restricted-properties -- the file names the variables
  environment: Readonly<Record<string, string | undefined>> = process.env,
  baseUrl = "http://127.0.0.1:8787",
): Provider[] {
  const shown = shownPath(path);
  const read = readSmallFile(path);
  if ("problem" in read) {
    problems.push(`${settingNames.providersFile}: the file ${shown} ${read.problem}`);
    return [];
  }
  const text = read.text.replace(/^\uFEFF/, "");
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    // The message itself may repeat what stands around the mistake, and that may be a secret.
    const line = /line (\d+)/.exec(String(error))?.[1];
    problems.push(
      `${shown}${line === undefined ? "" : `:${line}`}: it is not JSON: look at the quotes and commas there`,
    );
    return [];
  }
  const { lines, repeated } = memberLines(text);
  const listed = isMembers(parsed) ? parsed["providers"] : undefined;
  if (!Array.isArray(listed) || listed.length === 0) {
    problems.push(`${shown}: it must be {"providers": [ … ]} with one provider at least`);
    return [];
  }
  for (const member of repeated)
    problems.push(`${shown}:${lines.get(member) ?? 1}: ${member} stands there twice: keep one`);
  const names = new Set<unknown>();
  return listed.flatMap((given: unknown, index) => {
    const place = `providers.${index}`;
    const tell: Tell = (member, problem) => {
      const line = lines.get(`${place}.${member}`) ?? lines.get(place) ?? 1;
      problems.push(`${shown}:${line}: ${place}.${member} ${problem}`);
    };
    if (!isMembers(given)) {
      problems.push(`${shown}:${lines.get(place) ?? 1}: ${place} must be an object with name and type`);
      return [];
    }
    if (names.has(given["name"])) tell("name", "is the name of another provider, too: give each a name of its own");
    names.add(given["name"]);
    return providerFrom(given, tell, { folder: dirname(path), baseUrl, environment }) ?? [];
  });
}

/** What a file means besides what stands in it. */
interface Surroundings {
  readonly folder: string;
  readonly baseUrl: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

function providerFrom(
  given: Members,
  tell: Tell,
  { folder, baseUrl, environment }: Surroundings,
): Provider | undefined {
  const told: string[] = [];
  const noted: Tell = (member, problem) => {
    told.push(member);
    tell(member, problem);
  };
  const { name, type } = given;
  if (typeof name !== "string" || !/^[A-Za-z0-9][\w-]{0,63}$/.test(name)) {
    noted("name", "must be 1 to 64 letters, digits and dashes: it is what callers write after ?provider=");
  }
  const known = typeof type === "string" && Object.hasOwn(types, type) ? types[type] : undefined;
  if (known === undefined) {
    noted("type", `must be one of ${Object.keys(types).join(", ")}`);
    return undefined;
  }
  const allowed = ["name", "type", ...clientMembers, ...common, ...known.members];
  for (const member of Object.keys(given).filter((each) => !allowed.includes(each))) {
    const meant = nearestName(member, allowed);
    const shown = /^[\w.-]{1,64}$/.test(member) ? member : "a member";
    noted(
      shown,
      `is no member of a provider of type ${String(type)}: ${meant === undefined ? "leave it out" : `write ${meant}`}`,
    );
  }
  const client = clientOf(given, type, noted, folder, environment);
  const options: Record<string, unknown> = {
    ...client,
    ...renamed(given, known.members),
    ...(type === "google" ? {} : { name }),
  };
  if (typeof options["privateKeyFile"] === "string")
    options["privateKeyFile"] = resolve(folder, options["privateKeyFile"]);
  try {
    const record = { ...known.make(defined(options), baseUrl), name: name as string, ...commonMembers(given, noted) };
    // Told with the name that the member has in the file.
    for (const { problem, hint } of providerProblems(record)) {
      const insecure = /without https: (\S+)$/.exec(problem)?.[1];
      const member = /^(?:a provider|provider \S+): ([\w.]+) /.exec(problem)?.[1];
      const inFile = member === undefined ? memberWith(insecure, given) : inFileOf(member, given);
      if (!told.includes(inFile))
        noted(inFile === "" ? "name" : inFile, `${problem.replace(/^.*?: (?:[\w.]+ )?/, "")}: ${hint}`);
    }
    return told.length === 0 ? record : undefined;
  } catch (error) {
    if (!isOnbehalfError(error, "configuration_invalid")) throw error;
    noted("type", `${String(type)}: ${error.message}: ${error.hint}`);
    return undefined;
  }
}

/** The client, with its secret from wherever the file says. */
function clientOf(
  given: Members,
  type: unknown,
  tell: Tell,
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, unknown> {
  const { client_id: clientId, client_secret: secret, client_secret_file: file, client_secret_env: variable } = given;
  const isGoogle = type === "google";
  // An MCP server may register one.
  const mayLack = type === "mcp" && clientId === undefined;
  const [, second] = clientMembers.slice(1).filter((member) => given[member] !== undefined);
  if (second !== undefined) tell(second, "is given beside another way to give the secret: keep one");
  if (typeof clientId !== "string" && !(isGoogle && file !== undefined) && !mayLack) {
    tell("client_id", "must be the id of the client, as a text");
  }
  if (file !== undefined) {
    const path = typeof file === "string" ? resolve(folder, file) : undefined;
    const read = path === undefined ? { problem: "must be a path" } : readSmallFile(path);
    if (path === undefined || !("text" in read)) {
      tell(
        "client_secret_file",
        "problem" in read ? `${read.problem}: name the file with the secret` : "must be a path",
      );
      return { clientId };
    }
    if (!isGoogle) return { clientId, clientSecret: read.text.replace(/^\uFEFF/, "").trim() };
    try {
      parseClientSecretJson(
        read.text,
        shownPath(path),
        typeof given["base_url"] === "string" ? given["base_url"] : undefined,
      );
    } catch (error) {
      if (!isOnbehalfError(error)) throw error;
      tell("client_secret_file", `${error.message}: ${error.hint}`);
    }
    return { clientSecretFile: path };
  }
  if (variable !== undefined) {
    const value = typeof variable === "string" ? environment[variable]?.trim() : undefined;
    if (value === undefined || value === "") tell("client_secret_env", "names a variable that is not set");
    return { clientId, clientSecret: value };
  }
  return { clientId, clientSecret: secret };
}

/** Members by the names that options and records have: `api_hosts` is `apiHosts`. */
function renamed(given: Members, members: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    members
      .filter((member) => given[member] !== undefined)
      .map((member) => [
        camel(member),
        member === "authorization_request" || member === "signals" ? habitsIn(given[member]) : given[member],
      ]),
  );
}

/** What an authorization request says besides the usual. The names in its `parameters` are the provider's own. */
function habitsIn(given: unknown): unknown {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
  return Object.fromEntries(Object.entries(given).map(([member, value]: [string, unknown]) => [camel(member), value]));
}

function camel(member: string): string {
  return member.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The member that holds an address of this origin. */
function memberWith(origin: string | undefined, given: Members): string {
  return origin === undefined
    ? ""
    : (Object.keys(given).find((each) => JSON.stringify(given[each]).includes(origin)) ?? "");
}

/** The name that a record's member has in the file. */
function inFileOf(member: string, given: Members): string {
  const [first = ""] = member.split(".");
  const snake = first.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (snake === "client_secret") return clientMembers.slice(1).find((each) => given[each] !== undefined) ?? snake;
  return snake === "private_key" ? "private_key_file" : snake;
}

/** What every provider may have, as a record has it. */
function commonMembers(given: Members, tell: Tell): Partial<Provider> {
  const { rotation, ...rest } = renamed(given, common);
  if (rotation === undefined) return rest;
  const seconds = typeof rotation === "string" ? /^grace:(\d{1,6})$/.exec(rotation)?.[1] : undefined;
  if (seconds !== undefined) return { ...rest, rotation: { graceSeconds: Number(seconds) } };
  if (rotation === "none" || rotation === "strict") return { ...rest, rotation };
  tell("rotation", "must be none, strict or grace:SECONDS");
  return rest;
}

/** `token_answer` is `tokenAnswer`; claims keep their registered names. */
function identityOf(identity: unknown): unknown {
  if (!isMembers(identity) || !("token_answer" in identity)) return identity;
  const { token_answer: tokenAnswer, ...rest } = identity;
  return { ...rest, tokenAnswer };
}

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
