import { looksLikeSecret } from "./secret-likeness.ts";

/** What a provider's record says of its issuer. */
export interface IssuerNames {
  readonly issuer: string;
  /** Other names of the same issuer. `{tid}` in one stands for the ID token's own value of that claim. */
  readonly alsoIssuedAs?: readonly string[];
}

/** A claim's name in braces, where the issuer's name differs from tenant to tenant. */
const placeholder = /\{([A-Za-z_]\w*)\}/g;

/**
 * Every value of `iss` that an ID token with these claims may have. A name with braces is filled with the token's own
 * claims; where the token lacks one of them, that name is none of its values.
 *
 * @see https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
 */
export function issuersFor(
  { issuer, alsoIssuedAs = [] }: IssuerNames,
  claims: Readonly<Record<string, unknown>>,
): string[] {
  return [issuer, ...alsoIssuedAs.flatMap((name) => filled(name, claims) ?? [])];
}

function filled(name: string, claims: Readonly<Record<string, unknown>>): string | undefined {
  let complete = true;
  const value = name.replaceAll(placeholder, (_, claim: string) => {
    const text = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
    // A slash or a dot segment in a claim could make the name of another issuer of it.
    if (typeof text === "string" && new RegExp(`^${claimValue}$`).test(text)) return text;
    complete = false;
    return "";
  });
  return complete ? value : undefined;
}

/** What all spellings of a name look like: a claim's name in braces stands for any value that such a claim may have. */
export function issuerPattern(name: string): RegExp {
  const parts = name.split(placeholder).map((part, n) => (n % 2 === 1 ? claimValue : escaped(part)));
  return new RegExp(`^${parts.join("")}$`);
}

/** What a claim may hold that stands in an issuer's name. */
const claimValue = String.raw`[A-Za-z0-9][\w.~-]{0,254}`;

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}

/** Whether a name has a claim's name in braces, such as `{tenantid}`. */
export function isPattern(name: string): boolean {
  return name.search(placeholder) >= 0;
}

/**
 * Whether a discovery document with this issuer is that of ours. Documents for several tenants have braces of their own
 * wording, so only the text around the braces is compared there.
 *
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation
 */
export function isNamedBy({ issuer, alsoIssuedAs = [] }: IssuerNames, documents: string): boolean {
  const around = (name: string): string => name.replaceAll(placeholder, "{}");
  return issuer === documents || alsoIssuedAs.some((name) => around(name) === around(documents));
}

/** What to do where a document or an ID token has another issuer's name than ours. */
export function issuerHint({ issuer }: IssuerNames, theirs: unknown): string {
  if (typeof theirs !== "string" || theirs === "") return "check that issuer is right";
  if (isPattern(theirs)) {
    return (
      "this issuer serves several tenants: set issuer to that of your one tenant, or list the pattern in alsoIssuedAs " +
      "with a claim's name in the braces, such as https://login.microsoftonline.com/{tid}/v2.0"
    );
  }
  if (theirs.replace(/\/$/, "") === issuer.replace(/\/$/, "")) {
    return `the two differ only in the slash at the end: set issuer to ${shownIssuer(theirs)}`;
  }
  return `if both are the same issuer, set issuer to ${shownIssuer(theirs)}, or list that in alsoIssuedAs`;
}

/**
 * An issuer's name for a message, with quotes, so that a slash or a space at its end is seen. An issuer has neither a
 * user nor a query, where secrets stand; and what is no URL is shown only where it does not look like one.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8414#section-2
 */
export function shownIssuer(name: unknown): string {
  if (typeof name !== "string") return "none";
  const shown = name
    .slice(0, 200)
    .replace(/\/\/[^/]*@/, "//…@")
    .replace(/[?#].*$/s, "?…");
  return URL.canParse(shown) || !looksLikeSecret(shown) ? JSON.stringify(shown) : "something that is no issuer";
}

/** Whether two issuers are one server, by its origin: then another name is more likely a setting than a forgery. */
export function isSameServer(one: string, other: unknown): boolean {
  if (typeof other !== "string" || !URL.canParse(one) || !URL.canParse(other)) return false;
  return new URL(one).origin === new URL(other).origin;
}
