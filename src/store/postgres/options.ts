import type { ClientConfig, CustomTypesConfig } from "pg";
import { configurationInvalid } from "../../core/errors.ts";
import type { OnbehalfError } from "../../core/errors.ts";

export interface PostgresOptions {
  /**
   * `postgres://user:password@host:port/database`, with libpq's parameters. What it leaves out comes from the `PG…`
   * environment variables.
   */
  readonly connectionString: string;
  /**
   * Leads past a connection pooler, straight to the server. Used for one connection, on which the store listens for
   * changes and shows that its process lives. Needed only where `connectionString` leads to a pooler.
   */
  readonly directConnectionString?: string;
  /** The largest number of connections, the direct one not counted; 8 by default. */
  readonly poolSize?: number;
}

/** How long the store waits for a connection, from the server or from the pool, milliseconds. */
export const connectMs = 5_000;
/** How long the store waits for any answer, milliseconds. Longer than the server's own limit, whose error says more. */
export const answerMs = 12_000;

/**
 * Where a connection string leads, for people: no user, no password, no parameters.
 *
 * @throws {OnbehalfError} `configuration_invalid`: it is not such a URL, or its password is not percent-encoded
 */
export function locationOf(connectionString: string): string {
  let url: URL;
  try {
    url = new URL(connectionString);
  } catch {
    // The cause would carry the whole text, password included.
    throw malformed("is not a URL");
  }
  if (!/^postgres(?:ql)?:$/.test(url.protocol)) {
    throw malformed("does not begin with postgres://");
  }
  // What looks like a path or a parameter here may be the second half of a password.
  if (/@/.test(url.pathname + url.search + url.hash)) {
    throw malformed("has an @ after its host");
  }
  const host = url.host === "" ? (url.searchParams.get("host") ?? "localhost") : url.host;
  return `postgres://${host}${url.pathname}`;
}

/** The settings that every connection has in common. */
export function clientConfig(connectionString: string): ClientConfig {
  return {
    connectionString,
    fallback_application_name: "onbehalf",
    connectionTimeoutMillis: connectMs,
    query_timeout: answerMs,
    // Finds out that a firewall has dropped the connection, before the next statement is lost in it.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser },
  };
}

const int8 = 20;
const bytea = 17;
const numbers: ReadonlySet<number> = new Set([int8, 21, 23]);

/** Gives values as `SqlValue` has them. Set per connection: `pg`'s global parsers belong to the host's other code as well. */
const getTypeParser = ((oid: number) => {
  if (numbers.has(oid)) return Number;
  // A plain array with memory of its own: a Buffer would share its memory with others.
  if (oid === bytea) return (text: string) => new Uint8Array(Buffer.from(text.slice(2), "hex"));
  return String;
}) as CustomTypesConfig["getTypeParser"];

function malformed(problem: string): OnbehalfError<"configuration_invalid"> {
  const hint = "write postgres://user:password@host:port/database, with : / ? # @ in the password percent-encoded";
  return configurationInvalid(`the PostgreSQL connection string ${problem}`, hint);
}
