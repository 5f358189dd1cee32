import type { GrantState, LapseReason } from "../grant-state.ts";
import type { Refusals, Rotation } from "../refresh.ts";
import type { TokenEndings } from "./token-endings.ts";

/** What a diagnosis needs to know of a grant. Times are milliseconds since the epoch. */
export interface GrantFacts {
  readonly state: GrantState;
  readonly reason: LapseReason | null;
  readonly stateSince: number;
  readonly generation: number;
  readonly scope: string;
  readonly lostScope: string;
  /** What was asked for at the last consent and is not granted, separated by spaces. */
  readonly withheldScope: string;
  /** Null: there is none. */
  readonly refreshSealed: unknown;
  readonly accessSealed: unknown;
  readonly accessExpiresAt: number | null;
  readonly createdAt: number;
  /** When the person consented last; null in rows of versions that did not write it. */
  readonly consentedAt: number | null;
  readonly lastRefreshAt: number | null;
  readonly refreshExpiresAt: number | null;
  readonly consentExpiresAt: number | null;
  readonly lastError: string | null;
  /** What the provider said beside its code; null where no provider has named an error. */
  readonly lastErrorSays: string | null;
  readonly lastErrorAt: number | null;
  /** Why it is suspect, or was last: `outcome_unknown`, `ended_with_another`, `signalled/sessions-revoked`; null: nobody noted it. */
  readonly doubt: string | null;
  readonly failures: number;
  readonly lookAt: number | null;
}

/** What it needs to know of the provider. */
export interface ProviderFacts {
  readonly name: string;
  readonly refusals: Refusals;
  readonly rotation: Rotation;
  readonly endings: TokenEndings;
}
