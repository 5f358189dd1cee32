import type { ClientConfig, CustomTypesConfig } from "pg";
import { OnbehalfError } from "../../core/errors.ts";

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, with libpq's parameters; what it leaves out, `PG…` variables say. */
  readonly connectionString: string;
  /**
   * Past a connection pooler, straight to the server. Used for one connection, on which the store listens for changes
   * and shows that its process lives. Only needed where `connectionString` leads to a pooler.
   */
  readonly directConnectionString?: string;
  /** Connections at most, beside the direct one; 8 by default. */
  readonly poolSize?: number;
}

/** How long a connection is waited for, from the server or from the pool, milliseconds. */
export const connectMs = 5_000;
/** How long any answer is waited for, milliseconds. Longer than the server's own limit, which says more. */
export const answerMs = 12_000;

/**
 * Where a connection string leads, for people: no user, no password, no parameters.
 *
 * @throws {OnbehalfError} `configuration_invalid`: it is none, or its password is not percent-encoded
 */
export function locationOf(connectionString: string): string {
  let url: URL;
  try {
    url = new URL(connectionString);
  } catch {
    // The cause would carry the whole text, password included.
    throw invalid("the PostgreSQL connection string is malformed");
  }
  if (!/^postgres(?:ql)?:$/.test(url.protocol)) {
    throw invalid("the PostgreSQL connection string does not begin with postgres://");
  }
  // What looks like a path or a parameter here may be the second half of a password.
  if (/@/.test(url.pathname + url.search + url.hash)) {
    throw invalid("the PostgreSQL connection string has an @ after its host");
  }
  const host = url.host === "" ? (url.searchParams.get("host") ?? "localhost") : url.host;
  return `postgres://${host}${url.pathname}`;
}

/** What every connection has in common. */
export function clientConfig(connectionString: string): ClientConfig {
  return {
    connectionString,
    fallback_application_name: "onbehalf",
    connectionTimeoutMillis: connectMs,
    query_timeout: answerMs,
    // Connections that a firewall has forgotten are noticed, instead of swallowing the next statement.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser },
  };
}

const int8 = 20;
const bytea = 17;
const numbers: ReadonlySet<number> = new Set([int8, 21, 23]);

/** Values as `SqlValue` has them. Set per connection: parsers are global in `pg`, and the host's other code has its own. */
const getTypeParser = ((oid: number) => {
  if (numbers.has(oid)) return Number;
  // A plain array of its own: a Buffer would share its memory with others.
  if (oid === bytea) return (text: string) => new Uint8Array(Buffer.from(text.slice(2), "hex"));
  return String;
}) as CustomTypesConfig["getTypeParser"];

function invalid(problem: string): OnbehalfError<"configuration_invalid"> {
  return new OnbehalfError("configuration_invalid", problem, {
    hint: "write postgres://user:password@host:port/database, with : / ? # @ in the password percent-encoded",
    details: { problems: [problem] },
  });
}
