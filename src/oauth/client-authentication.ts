import type * as oauth from "oauth4webapi";
import type { Secret } from "../core/secret.ts";
import type { Client, ClientAuthenticationMethod, Provider } from "../providers/provider.ts";

/**
 * The method where no discovery document says one: what the record says, otherwise `client_secret_post`. A client
 * with a private key signs with it, and one that has neither key nor secret has nothing to send but its id.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
 */
export function recordedMethod(
  { clientAuthentication = "client_secret_post" }: Pick<Provider, "clientAuthentication">,
  { clientSecret, privateKey }: Pick<Client, "clientSecret" | "privateKey">,
): ClientAuthenticationMethod {
  if (privateKey !== undefined) return "private_key_jwt";
  return clientSecret === undefined ? "none" : clientAuthentication;
}

/** In order of preference. Basic comes second: some servers do not decode what they get there. */
const methods: readonly ClientAuthenticationMethod[] = ["client_secret_post", "client_secret_basic", "none"];

/**
 * The method that a discovery document asks for.
 *
 * @param listed what the document lists; undefined where it lists nothing, which means Basic
 * @returns undefined where the document lists only methods that this client cannot use, such as `private_key_jwt` for a
 *   client with a secret
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
 */
export function listedMethod(
  listed: readonly string[] | undefined,
  { clientSecret, privateKey }: Pick<Client, "clientSecret" | "privateKey">,
): ClientAuthenticationMethod | undefined {
  if (privateKey !== undefined) return listed?.includes("private_key_jwt") === false ? undefined : "private_key_jwt";
  // Many documents do not list `none`, and their providers have public clients all the same.
  if (clientSecret === undefined) return "none";
  if (listed === undefined) return "client_secret_basic";
  return methods.find((method) => listed.includes(method));
}

/**
 * Basic authentication with the encoding of forms and no more than that: `-`, `_`, `.` and `*` stay as they are. Many
 * servers do not decode. An id such as `my-app` must reach them as `my-app`, or they know no such client.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#appendix-B
 */
export function basicAuthentication(clientSecret: Secret): oauth.ClientAuth {
  return (_server, { client_id: clientId }, _body, headers) => {
    headers.set("authorization", `Basic ${btoa(`${formEncoded(clientId)}:${formEncoded(clientSecret.expose())}`)}`);
  };
}

/** As `application/x-www-form-urlencoded` encodes a value. */
function formEncoded(value: string): string {
  return new URLSearchParams({ v: value }).toString().slice("v=".length);
}
