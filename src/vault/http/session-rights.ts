/**
 * What a session's row says: sealed and bound when it is made, and cut to what its maker may at each use. Who holds its key
 * is found out in callers.ts.
 */
import { defined } from "../../core/defined.ts";
import { cutToMaker } from "../../core/session.ts";
import { isMac, rightsMac } from "../../crypto/keyring.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import { sessionLimitsPlace } from "../../crypto/places.ts";
import type { CallerRow } from "../../store/caller-store.ts";
import type { SessionRow } from "../../store/session-store.ts";
import { callerOf } from "./caller.ts";
import type { Caller, Permission } from "./caller.ts";

/** What a session may do and see, as it was asked for. */
export interface SessionLimits {
  readonly allow: readonly Permission[];
  /** Selectors. */
  readonly grants: readonly string[];
  /** The providers' short names. Absent: those of its maker. */
  readonly providers?: readonly string[];
  /** What its tokens may be used for at most. Absent: no limit. */
  readonly scopes?: readonly string[];
}

/** A new row, sealed and bound. */
export function sessionRow(
  keyring: Sealer,
  row: Omit<SessionRow, "limitsSealed" | "rightsMac">,
  limits: SessionLimits,
): SessionRow {
  const limitsSealed = keyring.seal(JSON.stringify(limits), sessionLimitsPlace(row.sessionId));
  const whole = { ...row, limitsSealed };
  return { ...whole, rightsMac: rightsMac(keyring, whole, "session_rights") };
}

/** What a row says; undefined where it is not as we have written it. */
export function limitsOf(keyring: Sealer, row: SessionRow): SessionLimits | undefined {
  if (!isMac(row.rightsMac, rightsMac(keyring, row, "session_rights"))) return undefined;
  const text = keyring.open(row.limitsSealed, sessionLimitsPlace(row.sessionId));
  return text === undefined ? undefined : (JSON.parse(text) as SessionLimits);
}

/** A session as the rest of the program sees it: its maker, with what of the session's limits is within the maker's. */
export function callerOfSession(keyring: Sealer, row: SessionRow, limits: SessionLimits, maker: CallerRow): Caller {
  const { providers: _own, ...caller } = callerOf(keyring, maker);
  const { allow, grants, providers } = cutToMaker(limits, callerOf(keyring, maker));
  const { sessionId, expiresAt } = row;
  return {
    ...caller,
    allow: allow as readonly Permission[],
    grants,
    ...defined({ providers }),
    session: {
      sessionId,
      expiresAt: new Date(expiresAt),
      ...defined({ scopes: limits.scopes }),
      makerGrants: caller.grants,
    },
  };
}
