import { required } from "../core/argument-checks.ts";
import type { Rule } from "../core/argument-checks.ts";
import type { Authorization } from "../core/authorization.ts";
import type { GrantRef } from "../core/grant.ts";

/** What of a vault hands out tokens: one that `openVault` opens, a caller's view of one, or a remote one. */
export interface TokenVault {
  getAccessToken(
    ref: GrantRef,
    options?: { readonly refused?: string },
  ): Promise<{ readonly token: string; readonly expiresAt?: Date | undefined; readonly scopes?: readonly string[] }>;
}

/** What of a vault keeps the sign-ins that an SDK runs: one that `openVault` opens. */
export interface SignInVault extends TokenVault {
  readonly clock: { now(): number };
  readonly signIns: {
    authorization(provider?: string): Promise<Authorization>;
    newState(): string;
    begin(whose: Whose, signIn: SignIn): Promise<void>;
    find(whose: Whose, state?: string): Promise<SignIn | undefined>;
    finish(state: string, grantId: string): Promise<void>;
  };
  providerOf(name?: string): McpServerRecord;
  grant(ref: GrantRef): Promise<HeldGrant>;
  exchangeCode(options: CodeOfSignIn): Promise<{ readonly grantId: string }>;
  deposit(options: Whose & { readonly refreshToken: string; readonly scope?: string }): Promise<unknown>;
}

interface Whose {
  readonly provider: string;
  readonly externalId: string;
  readonly account?: string;
}

export interface SignIn {
  readonly state: string;
  readonly codeVerifier: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
}

interface CodeOfSignIn extends Whose {
  readonly code: string;
  readonly source: "web-redirect";
  readonly redirectUri: string;
  readonly codeVerifier: string;
  readonly scopes?: readonly string[];
}

interface HeldGrant {
  readonly state: string;
  readonly scopes: readonly string[];
  readonly missingScopes?: readonly string[];
}

/** What is read of a provider's record. */
export interface McpServerRecord {
  readonly name: string;
  readonly server?: string;
  readonly scopes?: readonly string[];
  readonly client: object | string;
}

/** Checks that an argument is a vault, before the SDK meets the error. */
export const aVault: Rule = required({
  fits: (value) =>
    typeof value === "object" &&
    value !== null &&
    "getAccessToken" in value &&
    typeof value.getAccessToken === "function",
  must: "a vault, as openVault returns it",
});

/** The same, where an SDK signs people in. */
export const aSignInVault: Rule = required({
  fits: (value) => aVault.fits(value) && "signIns" in (value as object) && "exchangeCode" in (value as object),
  must: "a vault of this process, as openVault returns it",
});
