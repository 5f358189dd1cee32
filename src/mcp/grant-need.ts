/**
 * What an error of a vault means to somebody who waits for a tool: whether they can help, by connecting their account, or whether
 * nobody can but time, or who runs the server. In words that a person and a model understand.
 */
import { isOnbehalfError } from "../core/errors.ts";
import { missingScopes } from "../core/scopes.ts";
import type { CanonicalScopes } from "../core/scopes.ts";

/** Why a person must go through a link. */
export interface ConsentNeed {
  /** The vault's word for it; undefined where the grant lives, and covers too little. */
  readonly reason: "grant_not_found" | "reauthorization_required" | "insufficient_scope";
  /** What to ask for besides what the tool asks for. */
  readonly missingScopes: readonly string[];
}

/** What to do about an error. */
export type Need =
  | { readonly kind: "consent"; readonly consent: ConsentNeed }
  /** By itself it passes. */
  | { readonly kind: "later"; readonly retryAfterMs: number }
  /** Only who runs the server can help. */
  | { readonly kind: "operator"; readonly code: string };

/** When to try again where nobody has said it, milliseconds. */
const soonMs = 5_000;

/** @returns undefined: it is no error of a vault */
export function needOf(error: unknown): Need | undefined {
  if (isOnbehalfError(error, "grant_not_found") || isOnbehalfError(error, "reauthorization_required")) {
    return { kind: "consent", consent: { reason: error.code, missingScopes: [] } };
  }
  if (isOnbehalfError(error, "insufficient_scope")) {
    return { kind: "consent", consent: { reason: error.code, missingScopes: error.details.missingScopes } };
  }
  if (!isOnbehalfError(error)) return undefined;
  const { code, status, details } = error;
  if (status !== 503) return { kind: "operator", code };
  return { kind: "later", retryAfterMs: "retryAfterMs" in details ? details.retryAfterMs : soonMs };
}

/** Who signed in is no right to anything of theirs. */
const signInScopes = ["openid", "email", "profile"];

/**
 * The scopes that a grant lacks, in the provider's own names. Those of a sign-in do not count: what a tool may do does not depend
 * on them, and providers answer them under other names, or not at all.
 *
 * @param canonical the provider's names
 */
export function lackingScopes(
  wanted: readonly string[],
  granted: readonly string[],
  canonical?: CanonicalScopes,
): readonly string[] {
  return missingScopes(wanted, [...granted, ...signInScopes], canonical, { signedIn: true, offline: true });
}

/** What the person reads before they open the link. */
export function askText(
  providerName: string,
  { reason, missingScopes: missing }: ConsentNeed,
  purpose: string | undefined,
): string {
  const what =
    reason === "grant_not_found"
      ? `Connect your account at ${providerName}`
      : reason === "insufficient_scope"
        ? `Allow more at ${providerName}${missing.length === 0 ? "" : ` (${missing.join(", ")})`}`
        : `Connect your account at ${providerName} again: it does not accept what you allowed earlier`;
  return `${what}${purpose === undefined ? "" : `, ${purpose}`}.`;
}

/** The same for a client that cannot open links: for a person who reads it, and for a model that passes it on. */
export function linkText(ask: string, url: string): string {
  return `${ask} Open this link in a browser in which you are signed in to this server, then try again: ${url}`;
}

export function declinedText(providerName: string): string {
  return `Nothing was connected: you have declined. Without your account at ${providerName} this cannot be done.`;
}

export function notYetText(providerName: string): string {
  return `Your account at ${providerName} is not connected yet. Finish in the browser, then try again.`;
}

export function laterText(providerName: string, retryAfterMs: number): string {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  return `${providerName} cannot be reached just now. It is not your account's fault, and there is nothing for you to do: try again in ${seconds} s.`;
}

export function operatorText(providerName: string, code: string): string {
  if (code === "ambiguous_grant") {
    return `You have connected several accounts at ${providerName}, and this server cannot know which one you mean. Disconnect the others, or tell whoever runs this server.`;
  }
  return `This server cannot use ${providerName} just now (${code}). It is not your account's fault: tell whoever runs this server.`;
}

export function nobodyText(providerName: string): string {
  return `This works with your account at ${providerName}, and the server does not know who you are. Sign in to the server, then try again.`;
}
