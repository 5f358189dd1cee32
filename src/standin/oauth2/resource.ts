import { OAuthRefusal } from "../http/oauth-form.ts";
import type { OAuth2State } from "./oauth2-state.ts";

/**
 * What is wrong with the resources of a request (RFC 8707 section 2); undefined where nothing is.
 *
 * @param granted the resources that the authorization request named; a token request may name no others
 */
export function resourceFlaw(
  { settings, resources: own }: Pick<OAuth2State, "settings" | "resources">,
  resources: readonly string[],
  granted?: readonly string[],
): string | undefined {
  if (resources.length === 0) return settings.resource === "required" ? "resource is missing." : undefined;
  for (const resource of resources) {
    if (!URL.canParse(resource) || resource.includes("#")) {
      return `The resource ${resource} must be an absolute URI without a fragment.`;
    }
    const other = settings.otherResources;
    if (other !== null && !own.includes(resource) && !other.includes(resource)) {
      return `There is no resource ${resource} here.`;
    }
    if (granted !== undefined && !granted.includes(resource)) return `The resource ${resource} was not granted.`;
  }
  return undefined;
}

/**
 * The resources that a token will be for: those that the token request names, or else all that were granted.
 *
 * @throws {OAuthRefusal} `invalid_target`
 */
export function targetOf(state: OAuth2State, asked: readonly string[], granted: readonly string[]): readonly string[] {
  const flaw = resourceFlaw(state, asked, granted);
  if (flaw !== undefined) throw new OAuthRefusal(400, "invalid_target", flaw);
  return asked.length === 0 ? granted : asked;
}
