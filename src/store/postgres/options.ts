import type { ClientConfig, CustomTypesConfig } from "pg";
import { parseConnectionString } from "./connection-string.ts";
import { tlsOf } from "./tls.ts";

/** How long the store waits for a connection, from the server or from the pool, milliseconds. */
export const connectMs = 5_000;
/** How long the store waits for any answer, milliseconds. Longer than the server's own limit, whose error says more. */
export const answerMs = 12_000;

/**
 * The settings that every connection has in common. Reads the files that the connection string names.
 *
 * @throws {OnbehalfError} `configuration_invalid`: it is malformed, or a file cannot be read
 */
export function clientConfig(connectionString: string): ClientConfig {
  const parsed = parseConnectionString(connectionString);
  const ssl = tlsOf(parsed.tls);
  return {
    connectionString: parsed.url,
    // Left out, the driver looks at PGSSLMODE.
    ...(ssl === undefined ? {} : { ssl }),
    ...(parsed.sslnegotiation === undefined ? {} : { sslnegotiation: parsed.sslnegotiation }),
    enableChannelBinding: parsed.channelBinding && ssl !== undefined && ssl !== false,
    fallback_application_name: "onbehalf",
    connectionTimeoutMillis: Math.min(parsed.connectMs ?? connectMs, connectMs),
    query_timeout: answerMs,
    // Finds out that a firewall has dropped the connection, before the next statement is lost in it.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser },
  } as ClientConfig;
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
