/** How a client of the token endpoint says who it is. Whether it is, is decided elsewhere. */
import { Secret } from "../../../core/secret.ts";
import type { Parameters } from "../../../vault/http/parameters.ts";
import { OAuthError, invalidClient } from "./oauth-error.ts";

/** A caller's name or id, and what it sent as its key. */
export interface ClientCredentials {
  readonly clientId: string;
  readonly key: Secret;
}

/**
 * The credentials in a request: by HTTP Basic authentication or in the body. Both may be there where they say the same.
 *
 * @throws {OAuthError} `invalid_client`: none are there, or not both parts of them
 * @throws {OAuthError} `invalid_request`: there are two, and they differ
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
 */
export function credentialsOf(authorization: string | null, parameters: Parameters): ClientCredentials {
  const clientId = filled(parameters.get("client_id"));
  const secret = filled(parameters.get("client_secret"));
  const basic = authorization === null ? undefined : basicOf(authorization);
  if (basic !== undefined) {
    const differs = (clientId ?? basic.clientId) !== basic.clientId || (secret ?? basic.secret) !== basic.secret;
    if (differs) {
      throw new OAuthError(
        "invalid_request",
        "the client in the Authorization header is another than the one in the body: send one of them",
      );
    }
    return { clientId: basic.clientId, key: new Secret(basic.secret) };
  }
  if (clientId === undefined || secret === undefined) {
    throw invalidClient(
      "no client was named: send client_id (a caller's name or id) and client_secret (its obk_ key), by HTTP Basic or in the body",
    );
  }
  return { clientId, key: new Secret(secret) };
}

function filled(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function basicOf(authorization: string): { readonly clientId: string; readonly secret: string } {
  const encoded = /^basic +([\w+/-]+=*)$/i.exec(authorization)?.[1];
  if (encoded === undefined) {
    throw invalidClient(
      "the Authorization header must be of the Basic scheme: the token endpoint takes no bearer keys",
    );
  }
  const text = Buffer.from(encoded, "base64").toString();
  const colon = text.indexOf(":");
  if (colon <= 0 || colon === text.length - 1) throw invalidClient();
  return { clientId: decoded(text.slice(0, colon)), secret: decoded(text.slice(colon + 1)) };
}

/**
 * A part of Basic credentials. OAuth has them form-encoded, and many clients send them as they are. Neither a caller's
 * name nor a key holds a character that means something else in the other form.
 */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
