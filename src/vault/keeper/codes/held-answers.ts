import { holderWaitMs } from "../../../core/timing.ts";
import { isVerifierOf } from "../../../crypto/code-challenge.ts";
import type { Protocol } from "../../../oauth/protocol.ts";
import type { IntakeRow } from "../../../store/intake-store.ts";
import { codeReused } from "../../errors/code-rejected.ts";
import { connectExpired, connectNotFound, verifierMismatch } from "../../errors/connect.ts";
import { providerUnavailable } from "../../errors/provider-unavailable.ts";
import type { KeeperContext } from "../context.ts";
import type { HeldCode, HeldCodeProof, Hold } from "../keeper.ts";
import { assertKnownBy } from "./claim-external-id.ts";
import { rejectionOf } from "./code-rejection.ts";
import { finishIntake, isUnderWay } from "./finish-intake.ts";
import { askedBy, grantOf, intakePlace, workIdOf } from "./intake.ts";
import type { IntakeContext } from "./intake.ts";
import { journalRescued } from "./rescued-codes.ts";

/** How often an intake is read again while its owner is at work, milliseconds. */
const pollMs = 50;

/** See `Keeper.finishHeld`. */
export async function finishHeld(
  context: KeeperContext,
  protocol: Protocol,
  { codeHash, connect, ...proof }: HeldCode & HeldCodeProof,
): Promise<string> {
  const { store, keyring, clock, sleep, running, owner } = context;
  const workId = workIdOf(codeHash);
  for (let waitedMs = 0; waitedMs < holderWaitMs; waitedMs += pollMs) {
    const known = await store.intakeByCode(codeHash);
    if (known === undefined) throw connectExpired();
    if (known.state === "rejected") throw rejectionOf(known.rejection ?? "") ?? codeReused();
    const asked = askedBy(keyring, known);
    const { hold } = asked ?? {};
    // Whoever writes the database could let a link of their own mean somebody else's answer.
    if (asked === undefined || hold?.connect !== connect) throw connectNotFound();
    if (!isProved(hold, proof)) throw verifierMismatch();
    if (known.state === "done") {
      const row = await grantOf(context, known);
      if (row === undefined) throw connectNotFound();
      await assertKnownBy(context, protocol, row, asked);
      return row.grantId;
    }
    if (asked.end === "discard") throw connectExpired();
    if (known.heldUntil !== null) {
      if (clock.now() >= hold.until) throw connectExpired();
      // Listed before it is this process's own: the upkeep would take it for work that was given up.
      running.add(workId);
      try {
        const released = { ...known, owner, heldUntil: null, contextSealed: sealed(context, known, asked, "finish") };
        if (!(await store.releaseIntake(codeHash, owner, released.contextSealed))) continue;
        return await grantIdOf(finishIntake(context, protocol, released));
      } finally {
        running.delete(workId);
      }
    }
    if (await isUnderWay(context, known)) {
      await sleep(pollMs);
      continue;
    }
    if (known.state === "spending") {
      if (await journalRescued(context, codeHash)) continue;
      break;
    }
    // Its process died before it could be held, or nobody could say who has consented.
    const finished = await finishIntake(context, protocol, known);
    if (typeof finished === "object") return finished.grantId;
  }
  const { name, issuer } = protocol.provider;
  throw providerUnavailable(
    `the sign-in at ${name} is not finished`,
    "code_exchange_under_way_elsewhere",
    "nothing was lost: finish the link again",
    { issuer, retryAfterMs: 1_000 },
  );
}

/**
 * Whether an answer may be released. The verifier proves who began, and the return code whose browser came back: whoever
 * begins a link and lets somebody else consent has the first alone.
 */
function isProved({ challenge, returnChallenge }: Hold, { codeVerifier, returnCode }: HeldCodeProof): boolean {
  if (!isVerifierOf(challenge, codeVerifier)) return false;
  return returnChallenge === undefined || (returnCode !== undefined && isVerifierOf(returnChallenge, returnCode));
}

/**
 * Ends what a held answer has brought.
 *
 * @param connect only where it came by this link; any, by default
 */
export async function discardHeld(
  context: KeeperContext,
  protocol: Protocol,
  known: IntakeRow,
  connect?: string,
): Promise<void> {
  const { store, keyring, owner, running } = context;
  const asked = askedBy(keyring, known);
  if (known.heldUntil === null || (connect !== undefined && asked?.hold?.connect !== connect)) return;
  const contextSealed = asked === undefined ? known.contextSealed : sealed(context, known, asked, "discard");
  const workId = workIdOf(known.codeHash);
  running.add(workId);
  try {
    // From here on it is what upkeep finishes, should this process die.
    if (!(await store.releaseIntake(known.codeHash, owner, contextSealed))) return;
    await finishIntake(context, protocol, { ...known, owner, heldUntil: null, contextSealed });
  } finally {
    running.delete(workId);
  }
}

/** What was asked for, with what becomes of the answer. */
function sealed(
  { keyring }: KeeperContext,
  { codeHash, clientId }: IntakeRow,
  asked: IntakeContext,
  end: NonNullable<IntakeContext["end"]>,
): Buffer {
  return keyring.seal(JSON.stringify({ ...asked, end }), intakePlace("context", codeHash, clientId));
}

async function grantIdOf(finishing: ReturnType<typeof finishIntake>): Promise<string> {
  const finished = await finishing;
  if (typeof finished === "object") return finished.grantId;
  throw connectExpired();
}
