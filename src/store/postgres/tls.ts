import type { ConnectionOptions } from "node:tls";
import { configurationInvalid } from "../../core/errors.ts";
import { readSmallFile } from "../../local/small-file.ts";

/** What of a connection string, or of the environment, says how TLS is spoken. Each is libpq's parameter of that name. */
export interface TlsParameters {
  readonly sslmode?: string;
  readonly sslrootcert?: string;
  readonly sslcert?: string;
  readonly sslkey?: string;
  readonly sslpassword?: string;
  /** The driver's own: `true` gives `require` libpq's meaning, which checks no certificate. */
  readonly uselibpqcompat?: string;
}

export const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "no-verify"] as const;

/**
 * How TLS is spoken; false: not at all; undefined: nothing is said of it. The files that the parameters name are read.
 *
 * libpq's `allow`, `prefer` and `require` encrypt and check nothing: whoever stands between reads and answers. Here they
 * check the certificate as `verify-full` does. `verify-ca` does not compare the host's name, and `no-verify` checks nothing.
 *
 * @throws {OnbehalfError} `configuration_invalid`: a file cannot be read
 * @see https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
 */
export function tlsOf(parameters: TlsParameters): ConnectionOptions | false | undefined {
  const { sslrootcert, sslcert, sslkey, sslpassword } = parameters;
  const named = sslrootcert ?? sslcert ?? sslkey;
  const mode = parameters.sslmode ?? (named === undefined ? undefined : "verify-full");
  if (mode === undefined || mode === "disable") return mode === undefined ? undefined : false;
  const isLibpqRequire = parameters.uselibpqcompat === "true" && /^(?:allow|prefer|require)$/.test(mode);
  const ownAuthority = sslrootcert !== undefined && sslrootcert !== "system";
  const checksAuthority = mode !== "no-verify" && (!isLibpqRequire || ownAuthority);
  const checksHost = checksAuthority && mode !== "verify-ca" && !isLibpqRequire;
  return {
    ...(ownAuthority ? { ca: fileOf("sslrootcert", sslrootcert) } : {}),
    ...(sslcert === undefined ? {} : { cert: fileOf("sslcert", sslcert) }),
    ...(sslkey === undefined ? {} : { key: fileOf("sslkey", sslkey) }),
    ...(sslpassword === undefined ? {} : { passphrase: sslpassword }),
    ...(checksAuthority ? {} : { rejectUnauthorized: false }),
    ...(checksHost ? {} : { checkServerIdentity: () => undefined }),
  };
}

function fileOf(parameter: string, path: string): string {
  const read = readSmallFile(path);
  if ("text" in read) return read.text;
  const { problem, cause } = read;
  const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  throw configurationInvalid(
    `the PostgreSQL connection string names ${parameter}=${path}, and that file ${problem}${code}`,
    "give the path of a PEM file that this user may read",
  );
}
