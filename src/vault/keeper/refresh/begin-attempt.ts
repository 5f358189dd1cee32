import { mayTakeOver } from "../../../core/take-over.ts";
import type { GrantRow } from "../../../store/store.ts";
import { commitRescued } from "./commit-answer.ts";
import { gateOf, holderOf, protocolOf } from "../../context.ts";
import type { KeeperContext } from "../../context.ts";
import type { Gate, Permit, Priority } from "../gate/gate.ts";
import { Turn, turnedAway } from "../gate/permit.ts";
import type { Deferred } from "../gate/permit.ts";

/** How often a holder that lives is looked at, milliseconds: soon at first, for most exchanges are quick. */
const firstPollMs = 20;
const longestPollMs = 300;
/** How long a holder is waited for in all: longer than an exchange may take, and short of a caller's own patience. */
const longestWaitMs = 45_000;

/** The intent is written, and the provider may be asked. */
export interface Attempted {
  readonly kind: "begun";
  readonly grant: GrantRow;
  /** The attempt stood in the name of somebody who did not end it: they may have spent the token. */
  readonly takenOver: boolean;
  readonly pass: Permit;
}

/**
 * Writes the intent to spend the token of a generation, or waits for whoever holds it; takes over from the dead.
 *
 * @param seen the grant as it was found
 */
export async function beginAttempt(
  context: KeeperContext,
  attemptId: string,
  seen: GrantRow,
  generation: number,
  priority: Priority,
): Promise<Attempted | Deferred> {
  const { store, owner, sleep } = context;
  const { grantId } = seen;
  const { rotation, name: provider } = protocolOf(context, seen).provider;
  const gate = gateOf(context, provider);
  const turn = new Turn(gate, priority);
  let replaces: string | undefined;
  let pollMs = firstPollMs;
  try {
    // One's turn comes before the intent: an intent that queues would keep others from a grant they could refresh.
    const refused = await turn.get();
    if (refused !== undefined) return refused;
    for (let waitedMs = 0; waitedMs < longestWaitMs; waitedMs += pollMs) {
      const begun = await store.beginAttempt({ attemptId, grantId, generation, owner }, replaces);
      switch (begun.kind) {
        case "begun": {
          const { grant } = begun;
          const takenOver = replaces !== undefined;
          // Its holder may have failed while we waited, and was told when to come back: so are we.
          const notNow = heldBack(context, gate, seen, grant) ?? (await turn.get());
          if (notNow === undefined) return { kind: "begun", grant, takenOver, pass: turn.take() };
          await cancelAttempt(context, attemptId, grant, takenOver);
          return notNow;
        }
        case "gone":
          return { kind: "ended" };
        case "moved":
          return { kind: begun.grant.generation === generation ? "ended" : "newer" };
        case "held": {
          const liveness = await holderOf(context, begun.attempt.owner, begun.attempt.attemptId);
          if (mayTakeOver(begun.attempt, liveness, rotation, begun.now)) {
            // With a turn in hand, or many who find one process dead would all ask at once. It may have taken a while:
            // then the attempt is looked at again, for its time may be over.
            if (!turn.isMine) {
              const notNow = await turn.get();
              if (notNow !== undefined) return notNow;
            } else if (!(await commitRescued(context, grantId))) {
              // Else its answer was in the journal, and the token that we would have sent is used up.
              replaces = begun.attempt.attemptId;
            }
            continue;
          }
          // Whoever waits here asks nothing: the provider is not to be judged by how long that takes.
          turn.giveUp();
          pollMs = Math.min(longestPollMs, pollMs * 1.5);
          await sleep(pollMs);
          const now = await store.grantById(grantId);
          const notNow = now === undefined ? undefined : heldBack(context, gate, seen, now);
          if (notNow !== undefined) return notNow;
        }
      }
    }
    return { kind: "unavailable", error: "refresh_under_way_elsewhere", retryAfterMs: 1_000 };
  } finally {
    turn.giveUp();
  }
}

/** Whether somebody has failed since the grant was seen, and for how long it is left alone. */
function heldBack({ clock }: KeeperContext, gate: Gate, seen: GrantRow, now: GrantRow): Deferred | undefined {
  const waitMs = (now.retryAt ?? 0) - clock.now();
  if (waitMs <= 0 || now.retryAt === seen.retryAt) return undefined;
  return turnedAway(gate, { waitMs, error: now.lastError ?? "backing_off" });
}

/** Ends an intent that came to nothing, and leaves the grant as it was found. */
async function cancelAttempt(
  { store, clock }: KeeperContext,
  attemptId: string,
  grant: GrantRow,
  takenOver: boolean,
): Promise<void> {
  const failure = {
    error: grant.lastError ?? "backing_off",
    at: grant.lastErrorAt ?? clock.now(),
    retryAt: grant.retryAt,
  };
  // What was taken over may have been spent, and whoever comes next must know.
  await (takenOver
    ? store.endAttemptUnknown(attemptId, { ...failure, suspect: grant.state === "suspect" })
    : store.endAttempt(attemptId, failure));
}
