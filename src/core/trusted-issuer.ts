/*
 * Whom the app lets vouch for its own users: what an entry of the list must be, and which claim names the user. How a token
 * is verified does not belong here.
 */
import { nearestName } from "./known-names.ts";

/** An issuer of JWTs about the app's own users, such as the app's sign-in service. */
export interface TrustedIssuer {
  /** `iss` of its tokens, character by character. */
  readonly issuer: string;
  /** What `aud` of its tokens must name, or one of these: the app's own API, or its client there. */
  readonly audience: string | readonly string[];
  /** Where its public keys are published, over https; plain http to this machine alone. */
  readonly jwksUri: string;
  /** The claim that holds the app's own user id. Default: `sub`. */
  readonly externalIdClaim?: string;
}

/** Something wrong with an entry. */
export interface TrustedIssuerProblem {
  /** The member, as a program writes it. */
  readonly member: string;
  readonly problem: string;
}

const members = ["issuer", "audience", "jwksUri", "externalIdClaim"];

/**
 * Everything that is wrong with one entry of the list.
 *
 * @param given as a program or a file gave it
 * @param spelled how its source writes a member
 */
export function trustedIssuerProblems(
  given: unknown,
  spelled: (member: string) => string = (member) => member,
): TrustedIssuerProblem[] {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    return [{ member: "", problem: `must be an object with ${members.map(spelled).join(", ")}` }];
  }
  const { issuer, audience, jwksUri, externalIdClaim } = given as Readonly<Record<string, unknown>>;
  const problems: TrustedIssuerProblem[] = [];
  const tell = (member: string, problem: string): unknown => problems.push({ member, problem });
  for (const name of Object.keys(given).filter((each) => !members.includes(each))) {
    const meant = nearestName(name, members);
    const shown = /^[\w.-]{1,64}$/.test(name) ? name : "a member";
    tell(shown, `is not known: ${meant === undefined ? "leave it out" : `write ${spelled(meant)}`}`);
  }
  if (!isText(issuer)) tell("issuer", "must be the iss of its tokens, as they have it");
  const audiences: readonly unknown[] = Array.isArray(audience) ? audience : [audience];
  if (audiences.length === 0 || !audiences.every(isText)) {
    // Without one, a token that somebody else's app got would do.
    tell("audience", "must be what aud of its tokens names, or a list of such texts");
  }
  if (!isText(jwksUri) || !isKeyAddress(jwksUri)) {
    tell("jwksUri", "must be an https URL without credentials (plain http is allowed for loopback addresses alone)");
  }
  if (externalIdClaim !== undefined && !isText(externalIdClaim)) {
    tell("externalIdClaim", "must be the name of the claim that holds the app's own user id, or be left out");
  }
  return problems;
}

/**
 * The app's own user id in the claims of a token: a text of 1 to 512 characters, or a whole number, in decimal digits.
 *
 * @param claims of a verified token
 * @returns undefined where the claim holds none
 */
export function externalIdIn(
  claims: Readonly<Record<string, unknown>>,
  { externalIdClaim = "sub" }: TrustedIssuer,
): string | undefined {
  const value = Object.hasOwn(claims, externalIdClaim) ? claims[externalIdClaim] : undefined;
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? String(value) : undefined;
  return typeof value === "string" && value !== "" && value.length <= 512 ? value : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.trim() === value && value.length <= 2_048;
}

function isKeyAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const isLoopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
  return (protocol === "https:" || (protocol === "http:" && isLoopback)) && username === "" && password === "";
}
