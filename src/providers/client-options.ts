import { defined } from "../core/defined.ts";
import { Secret } from "../core/secret.ts";
import type { ClientAuthenticationMethod, Provider } from "./provider.ts";

/** A client at a provider, as `oidc()` and `oauth2()` take it. */
export interface ClientOptions {
  /** Our client at this provider. */
  readonly clientId: string;
  /** Absent for a public client, and for one with a key. */
  readonly clientSecret?: string | Secret;
  /** The client's private key for `private_key_jwt`: PEM, or a JWK as JSON. Default: the client has none. */
  readonly privateKey?: string | Secret;
  /** A file with that key, read when a vault is opened. Default: none. */
  readonly privateKeyFile?: string;
  /**
   * How the client authenticates. Default: `private_key_jwt` with a key, `none` without key and secret. With a secret what
   * the discovery document lists, in the body where it can choose, and Basic where it lists nothing; without a document
   * `client_secret_post`.
   *
   * @see {@link https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1 | RFC 6749 section 2.3.1}
   * @see {@link https://www.rfc-editor.org/rfc/rfc7523#section-2.2 | RFC 7523 section 2.2}
   */
  readonly clientAuthentication?: ClientAuthenticationMethod;
}

/** Every option of a client. */
export const clientOptions: Readonly<Record<keyof ClientOptions, true>> = {
  clientId: true,
  clientSecret: true,
  privateKey: true,
  privateKeyFile: true,
  clientAuthentication: true,
};

/** The client of a record. What does not fit together is told of when a vault is opened. */
export function clientOf({ clientId, clientSecret, privateKey, privateKeyFile }: ClientOptions): Provider["client"] {
  const client = defined({ clientId, clientSecret: secretOf(clientSecret), privateKey: secretOf(privateKey) });
  return privateKeyFile === undefined ? client : { ...client, privateKeyFile };
}

function secretOf(given: string | Secret | undefined): Secret | undefined {
  return given === undefined ? undefined : Secret.of(given);
}
