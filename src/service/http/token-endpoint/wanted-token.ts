/** What a client says of the token that it wants, whichever way it proves that it may have one. */
import type { AccessToken, Provider } from "../../../index.ts";
import { apiTarget } from "../../../core/api-request.ts";
import { missingScopes } from "../../../core/scopes.ts";
import type { Parameters } from "../../../vault/http/parameters.ts";
import { OAuthError } from "./oauth-error.ts";

/** A parameter. One without a value counts as left out (RFC 6749 section 3.2). */
export function optional(parameters: Parameters, name: string): string | undefined {
  return parameters.get(name) || undefined;
}

/** A parameter that must be there. @throws {OAuthError} `invalid_request` */
export function required(parameters: Parameters, name: string): string {
  const value = optional(parameters, name);
  if (value !== undefined) return value;
  throw new OAuthError("invalid_request", `${name} is missing`);
}

/**
 * Refuses a token that does not hold what the client asks for. It may hold more: an access token cannot be narrowed.
 *
 * @throws {OAuthError} `invalid_scope`
 */
export function assertScope(parameters: Parameters, token: AccessToken, { canonicalScopes }: Provider): void {
  const asked = (optional(parameters, "scope") ?? "").split(" ").filter((each) => each !== "");
  const missing = missingScopes(asked, token.scopes, canonicalScopes, { signedIn: true, offline: true });
  if (missing.length === 0) return;
  throw new OAuthError("invalid_scope", `the grant does not hold ${missing.join(" ")}`);
}

/**
 * Refuses a token for an API that it is not for: one that is none of the provider's hosts, or another MCP server than its
 * own.
 *
 * @throws {OAuthError} `invalid_target`
 * @see https://www.rfc-editor.org/rfc/rfc8707#section-2
 */
export function assertResource(parameters: Parameters, provider: Provider): void {
  const resource = optional(parameters, "resource");
  if (resource === undefined || isFor(resource, provider)) return;
  throw new OAuthError("invalid_target", `tokens of ${provider.name} are not for this resource`);
}

function isFor(resource: string, provider: Provider): boolean {
  if (!URL.canParse(resource) || resource.includes("#")) return false;
  const { server } = provider;
  if (server !== undefined)
    return new URL(resource).href.replace(/\/$/, "") === new URL(server).href.replace(/\/$/, "");
  try {
    apiTarget(new URL(resource), provider);
    return true;
  } catch {
    return false;
  }
}
