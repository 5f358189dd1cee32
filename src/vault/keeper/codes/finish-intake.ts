import { isOnbehalfError } from "../../../core/errors.ts";
import type { OnbehalfError } from "../../../core/errors.ts";
import { isRecent } from "../../../core/recorded-time.ts";
import { holderWaitMs } from "../../../core/timing.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { GrantRow } from "../../../store/grant-row.ts";
import type { IntakeRow } from "../../../store/intake-store.ts";
import { codeReused } from "../../errors/code-rejected.ts";
import { livenessOfOwner } from "../context.ts";
import type { KeeperContext } from "../context.ts";
import { rejectionText } from "./code-rejection.ts";
import { discardAnswer } from "./hold-answer.ts";
import { openAnswer, openContext, workIdOf } from "./intake.ts";
import type { IntakeContext } from "./intake.ts";
import { renewAnswer, workOn } from "./renew-answer.ts";
import { verifyAndStore } from "./store-consent.ts";

/** Whether a process is at work on an intake. Only an intake that was given up may be taken over. */
export async function isUnderWay(context: KeeperContext, { codeHash, owner, startedAt }: IntakeRow): Promise<boolean> {
  const liveness = await livenessOfOwner(context, owner, workIdOf(codeHash));
  if (liveness === "unknown") return isRecent(startedAt, context.clock.now(), holderWaitMs);
  return liveness !== "dead";
}

/**
 * Finishes an intake whose answer is in the journal: its owner died, or the provider's keys could not be read.
 *
 * @returns the grant; or `held`, or `discarded`, where that is what was to become of it
 * @throws {OnbehalfError} `code_rejected`: the journal does not open, so the person must sign in again
 * @throws {OnbehalfError} what {@link verifyAndStore} throws
 */
export async function finishIntake(
  context: KeeperContext,
  protocol: Protocol,
  intake: IntakeRow,
): Promise<GrantRow | "held" | "discarded"> {
  return workOn(context, intake, (onOverdue) => finish(context, protocol, intake, onOverdue));
}

async function finish(
  context: KeeperContext,
  protocol: Protocol,
  intake: IntakeRow,
  onOverdue: (error: OnbehalfError) => void,
): Promise<GrantRow | "held" | "discarded"> {
  const { store, clock, keyring, emit } = context;
  const { codeHash, startedAt } = intake;
  const received = openAnswer(keyring, intake);
  const contextText = openContext(keyring, intake);
  if (received === undefined || contextText === undefined) {
    // Nobody can open this answer any more: the person must sign in again.
    const error = codeReused();
    await store.rejectIntake(codeHash, rejectionText(error), clock.now(), "answered");
    throw error;
  }
  const asked = JSON.parse(contextText) as IntakeContext;
  if (asked.end === "discard") {
    await discardAnswer(context, protocol, codeHash, received);
    return "discarded";
  }
  const row = await verifyAndStore(context, protocol, codeHash, asked, received, () =>
    renewAnswer(context, { protocol, codeHash, contextText, startedAt }, received, onOverdue),
  );
  if (row === "held") return row;
  emit({ type: "sign_in_finished", grantId: row.grantId, provider: row.provider });
  return row;
}

/** Tells by an event that a sign-in waits: its answer is in the journal, and nobody can say yet who has consented. */
export function tellIfWaiting({ emit }: KeeperContext, { provider }: Protocol, error: unknown): void {
  if (!isOnbehalfError(error, "provider_unavailable")) return;
  emit({ type: "sign_in_waits", provider: provider.name, error: waitsFor(provider) });
}

/** What is out of reach while nobody can say who has consented. */
function waitsFor({ identity }: Protocol["provider"]): "keys_unavailable" | "userinfo_unavailable" {
  return typeof identity === "object" ? "userinfo_unavailable" : "keys_unavailable";
}
