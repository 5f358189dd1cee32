import { randomBytes } from "node:crypto";
import type { TokenRules } from "../state/ledger.ts";
import type { OAuth2Settings } from "./settings.ts";

function opaque(prefix: string): string {
  return `${prefix}-${randomBytes(32).toString("base64url")}`;
}

export function newCode(): string {
  return opaque("ac");
}

/** How long tokens live, and what they look like. */
export function oauth2TokenRules(settings: OAuth2Settings): TokenRules {
  return {
    lives: () => ({
      ...settings,
      accessTokenTtlSeconds: settings.expiresIn === "none" ? null : settings.accessTokenTtlSeconds,
    }),
    newAccessToken: () => opaque("at"),
    newRefreshToken: () => opaque("rt"),
    alsoEndsAt: ({ lastUsedAt }) => {
      const idle = settings.refreshTokenIdleSeconds;
      return idle === null ? undefined : lastUsedAt + idle * 1_000;
    },
  };
}
