import type { RefreshToken } from "./ledger.ts";

/** How a provider replaces refresh tokens. */
export interface Rotation {
  readonly rotation: "none" | "grace" | "strict";
  readonly graceSeconds: number;
}

/**
 * Whether a replaced refresh token still works. Only the last one has a grace period, so that an answer that was lost can
 * be asked for again: the same successor comes back. Once that successor was used, its predecessor is a used token like
 * any other.
 */
export function isInGrace(token: RefreshToken, { rotation, graceSeconds }: Rotation, now: number): boolean {
  if (token.supersededAt === undefined || rotation !== "grace") return false;
  return token.generation === token.family.current.generation - 1 && now - token.supersededAt <= graceSeconds * 1_000;
}
