import { dayMs } from "../../clock.ts";
import type { Family, TokenRules } from "../../state/ledger.ts";
import { newAccessToken, newRefreshToken } from "./opaque-values.ts";
import { isSignInScope } from "./scopes.ts";
import type { Settings } from "./settings.ts";

const unusedMs = 183 * dayMs;
const testingMs = 7 * dayMs;

/** When Google's refresh tokens end by themselves: after six months without use, and in testing mode after seven days. */
export function googleTokenRules(settings: Settings): TokenRules {
  return {
    lives: () => settings,
    newAccessToken,
    newRefreshToken,
    alsoEndsAt: ({ lastUsedAt, createdAt, scopes }: Family) => {
      const unused = lastUsedAt + unusedMs;
      const beyondSignIn = scopes.some((scope) => !isSignInScope(scope));
      return settings.testingMode && beyondSignIn ? Math.min(unused, createdAt + testingMs) : unused;
    },
  };
}
