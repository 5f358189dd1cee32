import { array, constantFrom, nat, record } from "fast-check";
import type { Arbitrary } from "fast-check";
import type { Attempt } from "../../src/core/take-over.ts";
import type { GrantRow, IntakeRow } from "../../src/store/store.ts";
import { bytes, grant, owner, tokens } from "../../src/store/suite/rows.ts";
import type { Modelled } from "./model.ts";

/** One thing that somebody does to a store, by numbers, so that it can be generated, printed and shrunk. */
export interface Step {
  readonly do: (typeof verbs)[number];
  /** Which grant, code or attempt. */
  readonly which: number;
  /** How far behind the newest generation, or whose attempt, or which of several ways. */
  readonly off: number;
}

const verbs = [
  "consent",
  "reconsent",
  "revoke",
  "end revocation",
  "suspect",
  "begin",
  "take over",
  "commit",
  "end",
  "end unknown",
  "lapse",
  "keep late answer",
  "drop late answer",
  "bring code",
  "journal",
  "reject",
  "forget",
  "sweep",
] as const;

/** What others build on. */
const often: (typeof verbs)[number][] = ["consent", "reconsent", "reconsent", "begin", "begin", "commit", "bring code"];

/** Two of everything: enough to mix things up, and few enough to come back to the same one. */
export const steps: Arbitrary<Step[]> = array(
  record({ do: constantFrom(...verbs, ...often), which: nat(1), off: nat(2) }),
  { minLength: 30, maxLength: 90 },
);

const codeOf = (which: number): Uint8Array => bytes(`code ${which}`);
const grantIdOf = (which: number): string => `g_${which}`;

/**
 * Does a step and returns what the store answered.
 *
 * @param rows the grants as they stood before
 * @param at a number that grows with each step; it also tells apart what is made
 */
export async function perform(store: Modelled, step: Step, rows: readonly GrantRow[], at: number): Promise<unknown> {
  const { which, off } = step;
  const grantId = grantIdOf(which);
  const row = rows.find((each) => each.grantId === grantId);
  const generation = (row?.generation ?? 1) - (off === 2 ? 1 : 0);
  const failure = { error: `error ${at}`, at, retryAt: off === 0 ? null : at + off };
  const attempt = { attemptId: `attempt ${at}`, grantId, generation, owner: owner(String(at)), at };
  const standing = (await store.attempts()).find((each) => each.grantId === grantId)?.attemptId ?? "none";
  // Of one that stands, or of one that may have been taken over.
  const attemptId = off === 2 ? `attempt ${at - 2}` : standing;
  switch (step.do) {
    case "consent": {
      const subjectHash = bytes(off === 2 ? "somebody else's" : `subject ${which}`);
      return store.saveFromIntake(grant({ grantId, subjectHash, updatedAt: at }), null, codeOf(off));
    }
    case "reconsent": {
      const next = { ...(row ?? grant({ grantId })), ...tokens(String(at)), updatedAt: at, state: "active" as const };
      const state = at % 5 === 0 ? ("suspect" as const) : (row?.state ?? "active");
      // A consent without a refresh token stays on its generation.
      const after = { ...next, generation: generation + (off === 0 ? 0 : 1) };
      return store.saveFromIntake(after, { generation, state }, codeOf(off));
    }
    case "revoke":
      return store.beginRevocation(grantId, at);
    case "end revocation":
      return store.endRevocation(grantId, generation, at);
    case "suspect":
      return store.markSuspect(grantId, at);
    case "begin":
      return withoutTime(await store.beginAttempt(attempt));
    case "take over":
      return withoutTime(await store.beginAttempt(attempt, off === 1 ? "none" : standing));
    case "commit":
      return store.commitAttempt(grantId, generation, tokens(String(at)), at, off === 0 ? undefined : at - 3 * off);
    case "end":
      return store.endAttempt(attemptId, failure);
    case "end unknown":
      return store.endAttemptUnknown(attemptId, { ...failure, suspect: off !== 1 });
    case "lapse":
      return store.lapse(grantId, generation, "invalid_grant", `error ${at}`, at);
    case "keep late answer": {
      if (row === undefined) return undefined;
      const lateAnswer = {
        lateAnswerId: `late answer ${at - off}`,
        grantId,
        parentGeneration: generation,
        receivedAt: at,
      };
      return store.keepLateAnswer({ ...lateAnswer, answerSealed: bytes(`answer ${at}`) });
    }
    case "drop late answer":
      return store.dropLateAnswer((await store.lateAnswersOf(grantId, generation))[0]?.lateAnswerId ?? "none");
    case "bring code": {
      const intake = { codeHash: codeOf(which), clientId: "client-1", owner: owner(String(at)) };
      const known = (await store.openIntakes()).find((each) => same(each.codeHash, codeOf(which)));
      const replaces = off === 2 && known !== undefined ? { startedAt: known.startedAt } : undefined;
      // Time stands still every other step: a takeover must not depend on it.
      return store.beginIntake({ ...intake, contextSealed: bytes(`context ${at}`) }, at - (at % 2), replaces);
    }
    case "journal":
      return store.journalAnswer(codeOf(which), bytes(`answer ${at}`));
    case "reject":
      return store.rejectIntake(
        codeOf(which),
        `rejection ${at}`,
        at,
        ([undefined, "spending", "answered"] as const)[off],
      );
    case "forget":
      return store.forgetIntake(codeOf(which));
    case "sweep":
      return store.sweepIntakes(at - 5 * off);
  }
}

/** Everything that can be read of a store, in an order of its own. */
export async function contents(store: Modelled): Promise<unknown> {
  const rows = await store.listGrants({ limit: 100 });
  const parents = rows.flatMap(({ grantId, generation }) =>
    Array.from({ length: generation + 1 }, (_, parent) => [grantId, parent] as const),
  );
  const codeText = ({ codeHash }: IntakeRow): string => Buffer.from(codeHash).toString("hex");
  return {
    rows,
    attempts: (await store.attempts()).map(timeless).sort((a, b) => (a.grantId < b.grantId ? -1 : 1)),
    lateAnswers: await Promise.all(rows.map(({ grantId }) => store.lateAnswersOf(grantId))),
    lateAnswersByParent: await Promise.all(parents.map(([grantId, parent]) => store.lateAnswersOf(grantId, parent))),
    intakes: (await store.openIntakes()).sort((a, b) => (codeText(a) < codeText(b) ? -1 : 1)),
  };
}

function withoutTime(begun: Awaited<ReturnType<Modelled["beginAttempt"]>>): unknown {
  return begun.kind === "held" ? { kind: "held", attempt: timeless(begun.attempt) } : begun;
}

/** Attempts are timed by the store's own clock, and the model has none. */
function timeless({ attemptId, grantId, generation, owner, endedUnknown }: Attempt): Omit<Attempt, "startedAt"> {
  return { attemptId, grantId, generation, owner, endedUnknown };
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
