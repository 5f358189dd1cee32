import { OnbehalfBrowserError } from "./errors.ts";

/**
 * 256 random bits as 43 characters that a URL may contain, for a code verifier, a state or a nonce.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc7636#section-4.1 | RFC 7636 section 4.1}
 */
export function randomText(): string {
  return base64Url(crypto.getRandomValues(new Uint8Array(32)));
}

/**
 * The code challenge of a verifier, by the method S256.
 *
 * @throws {OnbehalfBrowserError} `insecure_context`: browsers can hash on https and localhost alone
 * @see {@link https://www.rfc-editor.org/rfc/rfc7636#section-4.2 | RFC 7636 section 4.2}
 */
export async function codeChallenge(codeVerifier: string): Promise<string> {
  const subtle = crypto.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) {
    throw new OnbehalfBrowserError("insecure_context", "PKCE needs a page on https or localhost", {
      hint: "serve the page over https, or from localhost while you develop",
    });
  }
  return base64Url(new Uint8Array(await subtle.digest("SHA-256", new TextEncoder().encode(codeVerifier))));
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
