import { OnbehalfBrowserError } from "./errors.ts";

/** 256 bits that nobody can guess, in 43 characters of the URL's alphabet (RFC 7636 section 4.1). */
export function randomText(): string {
  return base64Url(crypto.getRandomValues(new Uint8Array(32)));
}

/**
 * RFC 7636 section 4.2, method S256.
 *
 * @throws {OnbehalfBrowserError} `insecure_context`: browsers hash for https and localhost only.
 */
export async function codeChallenge(codeVerifier: string): Promise<string> {
  const subtle = crypto.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) {
    throw new OnbehalfBrowserError("insecure_context", "this page cannot use PKCE", {
      hint: "serve it over https, or from localhost while developing",
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
