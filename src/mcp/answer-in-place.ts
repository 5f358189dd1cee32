import { configurationInvalid } from "../core/errors.ts";

/** What the SDK reads as the answer of a token endpoint. */
export interface AnsweredTokens {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in?: number;
  readonly scope?: string;
}

/**
 * Whether a token request of the SDK can be answered here: its address must be the object that the SDK then sends it to.
 *
 * @throws {OnbehalfError} `configuration_invalid`: it is a version of the SDK with which that cannot be done. Nothing was used
 */
export function assertAnswerable(url: unknown, metadata: unknown): asserts url is URL {
  const endpoint = (metadata as { readonly token_endpoint?: unknown } | undefined)?.token_endpoint;
  const isTokenEndpoint = typeof endpoint !== "string" || (url instanceof URL && new URL(endpoint).href === url.href);
  if (url instanceof URL && isTokenEndpoint) return;
  throw configurationInvalid(
    "this version of the MCP SDK does not let its provider answer a token request",
    "use @modelcontextprotocol/sdk 1.27 or newer, or @modelcontextprotocol/client; or mcpAuthProvider, which needs nothing of that",
  );
}

/**
 * Answers a token request of the SDK in the authorization server's place: it is turned to a `data:` URL that has the answer,
 * and all that it would have sent is taken out of it. So the SDK never holds the provider's refresh token, and two of them
 * never refresh: the vault has exchanged the code, or refreshed, before.
 *
 * Were a later SDK to send the request to the endpoint all the same, there would be nothing in it that is worth stealing, and
 * the endpoint would refuse it.
 */
export function answerInPlace(url: URL, parameters: URLSearchParams, answer: AnsweredTokens): void {
  for (const name of new Set(parameters.keys())) parameters.delete(name);
  url.href = `data:application/json;base64,${Buffer.from(JSON.stringify(answer)).toString("base64")}`;
}
