import { configurationInvalid } from "../../core/errors.ts";
import type { OnbehalfError } from "../../core/errors.ts";
import { flawIn } from "../../core/verbatim.ts";
import { sslModes } from "./tls.ts";
import type { TlsParameters } from "./tls.ts";

/** A connection string, taken apart. */
export interface ConnectionString {
  /** Where it leads, for people: no user, no password, no parameters. */
  readonly location: string;
  /** For the driver: without the parameters that are in the other properties. */
  readonly url: string;
  readonly tls: TlsParameters;
  /** libpq's `direct` begins TLS without asking for it first. */
  readonly sslnegotiation: string | undefined;
  /** Whether to bind the log-in to the TLS session where the server offers that; poolers have trouble with it. */
  readonly channelBinding: boolean;
  /** How long to wait for a connection, milliseconds; undefined where the string does not say. */
  readonly connectMs: number | undefined;
}

const tlsParameters = ["sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "uselibpqcompat"] as const;

/** Parameters that the driver follows as libpq does. */
const followed = new Set([
  "host",
  "port",
  "user",
  "password",
  "options",
  "application_name",
  "fallback_application_name",
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
]);

/** Parameters that change nothing here: the store does what they ask for anyway, or nothing depends on them. */
const needless: Readonly<Record<string, RegExp>> = {
  client_encoding: /^(?:utf-?8|auto)$/i,
  target_session_attrs: /^(?:any|read-write|primary)$/,
  gssencmode: /^(?:disable|prefer)$/,
  keepalives: /^1$/,
  keepalives_idle: /^\d+$/,
  keepalives_interval: /^\d+$/,
  keepalives_count: /^\d+$/,
  tcp_user_timeout: /^\d+$/,
  sslsni: /^1$/,
  sslcompression: /^0$/,
  load_balance_hosts: /^(?:disable|random)$/,
};

/**
 * Takes a connection string apart. Reads no file.
 *
 * @throws {OnbehalfError} `configuration_invalid`: it is not such a URL, its password is not percent-encoded, or it has a
 *   parameter that is not followed here. Whoever set one relies on it, so none is ignored
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
 */
export function parseConnectionString(text: string): ConnectionString {
  const url = urlOf(text);
  const given = url.searchParams;
  const value = (name: string): string | undefined => given.get(name) ?? undefined;
  for (const [name, first] of given) {
    if (given.getAll(name).length > 1) throw wrongParameter(`gives ${shown(name)} twice`, "keep one of them");
    checkParameter(name, first);
  }
  const database = value("dbname");
  if (database !== undefined) {
    if (url.pathname.length > 1) throw wrongParameter("names a database twice", "keep the path, or dbname");
    url.pathname = `/${encodeURIComponent(database)}`;
  }
  const host = url.host === "" ? (value("host") ?? "localhost") : url.host;
  if (host.includes(",")) {
    throw wrongParameter("names several hosts", "name one: the host that leads to the primary, or a proxy that does");
  }
  const tls = Object.fromEntries(
    tlsParameters.flatMap((name) => (value(name) === undefined ? [] : [[name, value(name)]])),
  ) as TlsParameters;
  const connectSeconds = Number(value("connect_timeout") ?? 0);
  const result = {
    location: `postgres://${host}${url.pathname}`,
    tls: value("ssl") === undefined ? tls : { ...tls, sslmode: isOn(value("ssl")) ? "verify-full" : "disable" },
    sslnegotiation: value("sslnegotiation"),
    channelBinding: /^(?:prefer|require)$/.test(value("channel_binding") ?? ""),
    connectMs: connectSeconds > 0 ? connectSeconds * 1000 : undefined,
  };
  const others = [...given.keys()].filter((name) => !followed.has(name));
  for (const name of others) given.delete(name);
  return { ...result, url: url.href };
}

function urlOf(text: string): URL {
  // Quotes of a file of settings, or a variable that nobody replaced, would be told of as a host or a user of that name.
  const flaw = flawIn(text);
  if (flaw !== undefined) throw configurationInvalid(`the PostgreSQL connection string ${flaw.is}`, flaw.hint);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // The cause would carry the whole text, password included.
    throw malformed("is not a URL");
  }
  if (!/^postgres(?:ql)?:$/.test(url.protocol)) throw malformed("does not begin with postgres://");
  // What looks like a path or a parameter here may be the second half of a password.
  if (/@/.test(url.pathname + url.search + url.hash)) throw malformed("has an @ after its host");
  if (url.hash !== "") throw malformed("has a # after its database");
  try {
    for (const part of [url.username, url.password, url.hostname]) decodeURIComponent(part);
  } catch {
    throw malformed("has a % that is not followed by two hexadecimal digits");
  }
  return url;
}

function checkParameter(name: string, value: string): void {
  const hint = "take it out; docs/storage.md lists the parameters that are followed";
  const choices: Readonly<Record<string, readonly string[]>> = {
    sslmode: sslModes,
    sslnegotiation: ["postgres", "direct"],
    channel_binding: ["disable", "prefer", "require"],
    uselibpqcompat: ["true", "false"],
    ssl: ["true", "1", "false", "0"],
  };
  const allowed = choices[name];
  if (allowed !== undefined) {
    if (allowed.includes(value)) return;
    throw wrongParameter(`has an unknown ${name}`, `give one of ${allowed.join(", ")}`);
  }
  if (name === "connect_timeout" && !/^\d{1,3}$/.test(value)) {
    throw wrongParameter("has a connect_timeout that is no number of seconds", "give seconds, such as 5");
  }
  if (followed.has(name) || name === "connect_timeout" || name === "dbname") return;
  if (tlsParameters.some((known) => known === name) || needless[name]?.test(value) === true) return;
  // The value is not repeated: it may be a secret.
  throw wrongParameter(`has the parameter ${shown(name)}, which is not followed here`, hint);
}

function isOn(value: string | undefined): boolean {
  return value === "true" || value === "1";
}

/** What stands before the equals sign may be anything, such as half of a password. */
function shown(name: string): string {
  return /^[a-z_]{1,40}$/i.test(name) ? name : "(a name that is none)";
}

function wrongParameter(problem: string, hint: string): OnbehalfError<"configuration_invalid"> {
  return configurationInvalid(`the PostgreSQL connection string ${problem}`, hint);
}

function malformed(problem: string): OnbehalfError<"configuration_invalid"> {
  const hint = "write postgres://user:password@host:port/database, with : / ? # @ in the password percent-encoded";
  return configurationInvalid(`the PostgreSQL connection string ${problem}`, hint);
}
