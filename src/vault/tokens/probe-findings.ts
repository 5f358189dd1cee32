/** What is found about a grant by looking at it and at the provider: decisions over plain data. */
import { defined } from "../../core/defined.ts";
import type { AnyOnbehalfError } from "../../core/errors.ts";
import { isUsable } from "../../core/grant.ts";
import type { Finding } from "../../core/probe.ts";
import { isDueForLastLook } from "../../core/second-look.ts";
import { isLiving, lifeOf } from "../../core/token-life.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { RefreshOutcome } from "../keeper/keeper.ts";

/**
 * What a grant's row says for certain, so that nobody needs to be asked: it is over, or it holds no token that works and
 * none that gets one. Undefined: only the provider knows.
 *
 * @param now milliseconds since the epoch
 */
export function foundInRow(row: GrantRow, now: number): Finding | undefined {
  const isWithoutToken = row.state === "lapsed" && row.reason === "no_refresh_token";
  if (!isWithoutToken && !isUsable(row.state) && !isDueForLastLook(row, now)) return over(row);
  const life = lifeOf(row);
  if (!isWithoutToken && (row.refreshSealed !== null || (life !== undefined && isLiving(life, now)))) return undefined;
  const at = Math.min(row.accessExpiresAt ?? row.stateSince, now);
  const what = "the access token has ended, and there is no refresh token to get another one with";
  const why = "there is no refresh token to ask with, and the access token has ended";
  return { result: "invalid", reason: "no_refresh_token", notAsked: why, evidence: [{ at, what }], checkedAt: at };
}

/** What a row says after the provider was asked. */
export function byAsking({ result, reason, evidence, checkedAt }: Finding): Finding {
  return { result, ...defined({ reason }), evidence, checkedAt };
}

function over({ state, reason, stateSince, lastError, lastErrorAt }: GrantRow): Finding {
  if (state !== "lapsed") {
    const what = "the grant was revoked here";
    return {
      result: "invalid",
      reason: reason ?? "revoked",
      notAsked: "the grant was ended here, and no token of it is used any more",
      evidence: [{ at: stateSince, what }],
      checkedAt: stateSince,
    };
  }
  const refusals =
    lastError === null || lastErrorAt === null
      ? []
      : [{ at: lastErrorAt, what: `the provider answered ${lastError} to the refresh token` }];
  const lapsed = { at: stateSince, what: "the grant has lapsed" };
  const evidence = [...refusals, lapsed].sort((one, other) => one.at - other.at);
  return {
    result: "invalid",
    reason: reason ?? "invalid_grant",
    notAsked: "the grant has lapsed, and a refresh token that is dead is not sent again",
    evidence,
    checkedAt: Math.max(stateSince, lastErrorAt ?? 0),
  };
}

/**
 * What a refresh has found.
 *
 * @param row the grant's row after it
 * @param now milliseconds since the epoch
 */
export function foundByRefresh(outcome: RefreshOutcome, row: GrantRow, now: number): Finding {
  switch (outcome.kind) {
    case "refreshed":
      return valid(now, "the provider gave a new access token for the refresh token");
    case "newer":
    case "ended": {
      const known = foundInRow(row, now);
      if (known !== undefined) return byAsking(known);
      if (outcome.kind === "newer") return foundInNewTokens(row);
      return row.refreshSealed === null
        ? notAsked(now)
        : unknown(now, "provider_unavailable", "the refresh was given up");
    }
    case "unavailable":
    case "misconfigured": {
      const { lastError, lastErrorAt } = row;
      const failed =
        lastError === null || lastErrorAt === null || lastErrorAt >= now
          ? []
          : [{ at: lastErrorAt, what: `a refresh failed (${lastError})` }];
      const isOurs = outcome.kind === "misconfigured";
      const what = isOurs
        ? `the provider refuses our client or our request, and not the person's grant (${outcome.error})`
        : `the provider gave no answer that says anything of the grant, or is left alone for a while (${outcome.error})`;
      const found = unknown(now, isOurs ? "client_misconfigured" : "provider_unavailable", what);
      return { ...found, evidence: [...failed, ...found.evidence] };
    }
  }
}

/** The last exchange was a look at the provider, too: it gave tokens. */
export function foundInNewTokens({ lastRefreshAt, createdAt }: GrantRow): Finding {
  return valid(lastRefreshAt ?? createdAt, "the provider gave new tokens");
}

/** The provider's userinfo endpoint took the access token of a grant without a refresh token. */
export function foundByUserinfo(now: number): Finding {
  return valid(now, "the provider's userinfo endpoint took the access token");
}

/** The access token of a grant without a refresh token lives as far as is known, and nobody can be asked about it. */
export function notAsked(now: number): Finding {
  const why =
    "there is no refresh token to ask with, and the provider has no address at which an access token could be tried";
  return { ...valid(now, "the access token has not ended"), notAsked: why };
}

export function providerSilent(now: number, error: string): Finding {
  return unknown(now, "provider_unavailable", `the provider's userinfo endpoint says nothing of the token (${error})`);
}

/** Another process is looking, and has found nothing yet. */
export function stillLooking(begunAt: number, now: number): Finding {
  const found = unknown(now, "probe_under_way", "another process is asking the provider and has no answer yet");
  return { ...found, evidence: [{ at: begunAt, what: "a look at the provider began" }, ...found.evidence] };
}

/** What kept us from looking is no fault of the grant's. */
export function keptFromLooking({ code, message }: AnyOnbehalfError, now: number): Finding {
  return unknown(now, code, message);
}

function valid(at: number, what: string): Finding {
  return { result: "valid", evidence: [{ at, what }], checkedAt: at };
}

function unknown(at: number, reason: NonNullable<Finding["reason"]>, what: string): Finding {
  return { result: "unknown", reason, evidence: [{ at, what }], checkedAt: at };
}
