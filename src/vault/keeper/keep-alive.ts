import { clockLeewayMs } from "../../core/recorded-time.ts";
import {
  announcedAt,
  defaultKeepAliveDays,
  idleBefore,
  idleBounds,
  isKeepAliveDue,
  keepAliveSlot,
} from "../../core/keep-alive.ts";
import { isOnbehalfError } from "../../core/errors.ts";
import type { Protocol } from "../../oauth/protocol.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { IdleSearch } from "../../store/store.ts";
import type { KeeperContext } from "./context.ts";
import { gateOf } from "./gate/gate.ts";
import { refreshGrant } from "./refresh/refresh-grant.ts";
import type { RoundBackOff } from "./round-back-off.ts";

/** How many rows are read at once. */
export const pageSize = 200;
/** How many grants of one client are refreshed at the same time. */
export const atOnce = 8;

/**
 * Refreshes grants that nobody uses before their refresh tokens end. Each client has a round of its own, and each grant
 * that is due has its turn in it: neither a client that is not configured here, nor one that is refused, nor grants that
 * fail again and again keep others from theirs.
 */
export async function keepAlive(context: KeeperContext, backOff: RoundBackOff): Promise<void> {
  backOff.nextRound();
  const rounds = [...context.protocols.values()].map((protocol) => keepClientAlive(context, protocol, backOff));
  const failed = (await Promise.allSettled(rounds)).find((round) => round.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function keepClientAlive(
  context: KeeperContext,
  { provider, client }: Protocol,
  backOff: RoundBackOff,
): Promise<void> {
  const { clock } = context;
  const { keepAliveDays = defaultKeepAliveDays } = provider;
  const start = { at: 0, grantId: "" };
  const { clientId } = client;
  // Each search asks the clock when it begins, and each page when it was read. A round can take minutes: by the time of
  // its start, what it refreshed itself would seem to be exchanged in our future, and would be refreshed twice.
  const searches: (() => IdleSearch)[] = [
    // The ends that were announced come first: they are the nearer ones.
    () => ({ clientId, by: "announced-end", after: start, before: clock.now() + 1 }),
  ];
  // What is due in a slot, and nothing that is due later: where all grants were consented to within a month, a tenth of them
  // would be read otherwise, each minute.
  const now = clock.now();
  const bounds = { ...idleBounds(keepAliveDays, now), from: now + clockLeewayMs };
  for (const slot of await context.store.idleSlots({ clientId, ...bounds })) {
    const by = { clientId, by: "exchange", slot } as const;
    searches.push(
      () => ({ ...by, after: start, before: idleBefore(keepAliveDays, slot, clock.now()) }),
      // Exchanged in our future, by a clock that was wrong.
      () => ({ ...by, after: { at: clock.now() + clockLeewayMs, grantId: "" }, before: Number.MAX_SAFE_INTEGER }),
    );
  }
  for (const search of searches) {
    for await (const rows of pages(context, search())) {
      const now = clock.now();
      const due = rows.filter(
        (row) =>
          row.provider === provider.name &&
          backOff.isDue(row.grantId) &&
          isKeepAliveDue(idleGrant(row), keepAliveDays, keepAliveSlot(row.grantId), now),
      );
      for (let first = 0; first < due.length; first += atOnce) {
        if (gateOf(context, provider.name).isBlocking) return;
        await Promise.all(due.slice(first, first + atOnce).map((row) => refresh(context, row, backOff)));
      }
    }
  }
}

/** Page after page, each from where the one before ended: what was tried is not found again in the same round. */
async function* pages({ store }: KeeperContext, search: IdleSearch): AsyncGenerator<GrantRow[]> {
  for (let { after } = search; ;) {
    const rows = await store.idleGrants({ ...search, after, limit: pageSize });
    yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSize) return;
    const { exchangedAt, refreshExpiresAt } = idleGrant(last);
    const { grantId } = last;
    const ends = { exchangedAt, refreshExpiresAt: refreshExpiresAt ?? 0 };
    after = { at: search.by === "exchange" ? exchangedAt : announcedAt(ends, keepAliveSlot(grantId)), grantId };
  }
}

async function refresh(context: KeeperContext, row: GrantRow, backOff: RoundBackOff): Promise<void> {
  try {
    const { kind } = await refreshGrant(context, row, "background");
    if (kind === "unavailable" || kind === "misconfigured") backOff.failed(row.grantId);
  } catch (error) {
    backOff.failed(row.grantId);
    if (!isOnbehalfError(error)) context.onFault(error, "keep-alive");
  }
}

function idleGrant({ accessIssuedAt, refreshExpiresAt }: GrantRow): {
  exchangedAt: number;
  refreshExpiresAt: number | null;
} {
  return { exchangedAt: accessIssuedAt ?? 0, refreshExpiresAt };
}
