/** What the property tests do to a store: steps that can be generated, and how a store that has taken them is read. */
import { array, constantFrom, nat, record } from "fast-check";
import type { Arbitrary } from "fast-check";
import type { Attempt } from "../../src/core/take-over.ts";
import type { EpochRow } from "../../src/store/epoch-store.ts";
import type { GrantRow } from "../../src/store/grant-row.ts";
import type { Store } from "../../src/store/store.ts";
import type { IntakeRow } from "../../src/store/intake-store.ts";
import { bytes, grant, owner, tie, tokens } from "../../src/store/suite/rows.ts";
import { modelOperations } from "../../tools/model-store.ts";
import type { ModelOperation, ModelStore } from "../../tools/model-store.ts";

type EpochState = Awaited<ReturnType<ModelledStore["epochState"]>>;

/** As much of a store as there is a model of. */
export type ModelledStore = Pick<Store, ModelOperation>;

/**
 * The model, with promises as a store has them.
 *
 * @param onAnswer is told each operation and what the model answered
 */
export function asStore(
  model: ModelStore,
  onAnswer: (name: ModelOperation, answer: unknown) => void = () => undefined,
): ModelledStore {
  return Object.fromEntries(
    modelOperations.map((name) => [
      name,
      async (...args: readonly unknown[]) => {
        const answer: unknown = (model[name] as (...args: readonly unknown[]) => unknown)(...args);
        onAnswer(name, answer);
        return answer;
      },
    ]),
  ) as unknown as ModelledStore;
}

/** One thing that is done to a store, in numbers, so that it can be generated, printed and shrunk. */
export interface Step {
  readonly do: (typeof verbs)[number];
  /** Which grant, code or attempt. */
  readonly which: number;
  /** Picks one of three variants: a generation behind the newest, an attempt that was taken over, and so on. */
  readonly off: number;
}

const verbs = [
  "consent",
  "reconsent",
  "tie",
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
  "take answer",
  "reject",
  "keep assertion",
  "hold",
  "release",
  "forget",
  "lose",
  "sweep",
  "bind ticket",
  "sweep tickets",
  "mark",
  "stand still",
  "settle",
  "look soon",
] as const;

/** Done more often: other steps need a grant, an attempt or a code to act on. */
const often: (typeof verbs)[number][] = [
  "consent",
  "reconsent",
  "reconsent",
  "tie",
  "tie",
  "begin",
  "begin",
  "commit",
  "suspect",
  "bring code",
  "bind ticket",
];

/** Two grants, two codes: enough to confuse one with the other, and few enough that steps meet the same one again. */
export const stepSequences: Arbitrary<Step[]> = array(
  record({ do: constantFrom(...verbs, ...often), which: nat(1), off: nat(2) }),
  { minLength: 30, maxLength: 90 },
);

/** Now and then an answer covers more, or less, than the one before. */
const scopeAt = (at: number): string => (at % 4 === 0 ? "openid email drive" : "openid email");
const codeOf = (which: number): Uint8Array => bytes(`code ${which}`);
const ticketOf = (which: number): Uint8Array => bytes(`ticket ${which}`);
const grantIdOf = (which: number): string => `g_${which}`;

/**
 * Does one step and returns what the store answered.
 *
 * @param rows the grants as they were before the step
 * @param at a number that grows with each step: its time, and part of the name of all that it makes
 */
export async function perform(
  store: ModelledStore,
  step: Step,
  rows: readonly GrantRow[],
  at: number,
): Promise<unknown> {
  const { which, off } = step;
  const grantId = grantIdOf(which);
  const row = rows.find((each) => each.grantId === grantId);
  const generation = (row?.generation ?? 1) - (off === 2 ? 1 : 0);
  const failure = { error: `error ${at}`, at, retryAt: off === 0 ? null : at + 5 * off };
  const attempt = { attemptId: `attempt ${at}`, grantId, generation, owner: owner(String(at)), at };
  const current = (await store.attempts()).find((each) => each.grantId === grantId)?.attemptId ?? "none";
  // The attempt that is there, or one that may have been taken over.
  const attemptId = off === 2 ? `attempt ${at - 2}` : current;
  switch (step.do) {
    case "consent": {
      const subjectHash = bytes(off === 2 ? "somebody else's" : `subject ${which}`);
      const row = grant({ grantId, subjectHash, consentedAt: at, updatedAt: at });
      const how = at % 3 === 0 ? ({ from: "spending" } as const) : { isDeposit: at % 2 === 0 };
      return store.saveFromIntake(row, null, codeOf(off), {}, bytes(`mac ${at}`), how);
    }
    case "reconsent": {
      const next = {
        ...(row ?? grant({ grantId })),
        ...tokens(String(at)),
        updatedAt: at,
        state: "active" as const,
        scope: scopeAt(at),
      };
      const state = at % 5 === 0 ? ("suspect" as const) : (row?.state ?? "active");
      // A consent without a refresh token stays on its generation.
      const after = { ...next, generation: generation + (off === 0 ? 0 : 1) };
      const { profileSealed } = next;
      return store.saveFromIntake(after, { generation, state, profileSealed, scope: row?.scope ?? "" }, codeOf(off));
    }
    case "tie": {
      if (row === undefined) return undefined;
      const user = `user ${at % 2}`;
      const others = (await store.grantsByExternalId(bytes(user))).filter((other) => other.grantId !== grantId);
      const from = others.map((other) => ({
        grantId: other.grantId,
        profileRead: at % 7 === 0 ? bytes("older") : other.profileSealed,
        profileSealed: bytes(`profile without ${user} ${at}`),
      }));
      const change = {
        ...(at % 5 === 0 ? {} : { add: tie(user, `label ${off % 2}`) }),
        ...(at % 3 === 0 ? { remove: [bytes(`user ${(at + 1) % 2}`)] } : {}),
        ...(at % 4 === 0 ? { from } : {}),
      };
      const after = { ...row, profileSealed: bytes(`profile ${at}`), updatedAt: at };
      return store.saveFromIntake(after, row, codeOf(off), change, undefined, { isAgain: true });
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
      return withoutTime(await store.beginAttempt(attempt, off === 1 ? "none" : current));
    case "commit":
      return store.commitAttempt(
        grantId,
        generation,
        { ...tokens(String(at)), scope: scopeAt(at) },
        at,
        off === 0 ? undefined : at - 3 * off,
        at % 3 === 0 ? { error: `error ${at}`, retryAt: at + 5 } : undefined,
      );
    case "end":
      return store.endAttempt(attemptId, { ...failure, ...[{}, { lookAt: null }, { lookAt: at + 5 }][at % 3] });
    case "end unknown":
      return store.endAttemptUnknown(attemptId, { ...failure, suspect: off !== 1 });
    case "lapse":
      return store.lapse(grantId, generation, "invalid_grant", `error ${at}`, at, at % 2 === 0 ? null : at + off);
    case "keep late answer": {
      if (row === undefined) return undefined;
      // Several come at the same time: their order must not be left to chance.
      const lateAnswer = { lateAnswerId: `late answer ${at - off}`, grantId, receivedAt: at - (at % 4) };
      return store.keepLateAnswer({ ...lateAnswer, parentGeneration: generation, answerSealed: bytes(`answer ${at}`) });
    }
    case "drop late answer":
      return store.dropLateAnswer((await store.lateAnswersOf(grantId, generation))[0]?.lateAnswerId ?? "none");
    case "bring code": {
      const intake = { codeHash: codeOf(which), clientId: "client-1", owner: owner(String(at)) };
      const known = (await store.openIntakes()).find((each) => same(each.codeHash, codeOf(which)));
      const replaces = off === 2 && known !== undefined ? { startedAt: known.startedAt } : undefined;
      // Two steps share a time: a takeover must not depend on the clock.
      return store.beginIntake({ ...intake, contextSealed: bytes(`context ${at}`) }, at - (at % 2), replaces);
    }
    case "journal":
      return store.journalAnswer(codeOf(which), bytes(`answer ${at}`), bytes(`context ${at}`));
    case "take answer": {
      const known = (await store.openIntakes()).find((each) => same(each.codeHash, codeOf(which)));
      const startedAt = (known?.startedAt ?? 0) + (off === 2 ? 1 : 0);
      return store.takeIntake(codeOf(which), owner(String(at)), at - (at % 2), { startedAt });
    }
    case "reject":
      return store.rejectIntake(
        codeOf(which),
        `rejection ${at}`,
        at,
        ([undefined, "spending", "answered"] as const)[off],
      );
    case "keep assertion":
      return store.keepAssertion(codeOf(which), bytes(off === 0 ? "" : `assertion ${at}`));
    case "hold":
      if (off > 0) await store.journalAnswer(codeOf(which), bytes(`answer ${at}`), bytes(`context ${at}`));
      return store.holdIntake(codeOf(which), bytes(`held answer ${at}`), at + off);
    case "release":
      return store.releaseIntake(codeOf(which), owner(String(at)), bytes(`released ${at}`));
    case "forget":
      return store.forgetIntake(codeOf(which));
    case "bind ticket": {
      const ticketHash = ticketOf(at % 2);
      if (off === 0 && (await store.ticketByHash(ticketHash)) === undefined) {
        await store.insertTicket({ ticketHash, contextSealed: bytes(`ticket context ${at}`), issuedAt: at });
      }
      return store.bindTicket(ticketHash, codeOf(which), at);
    }
    case "sweep tickets":
      return store.sweepTickets(at - 5 * off);
    case "lose": {
      const known = await store.intakeByCode(codeOf(which));
      return store.loseDeposit(codeOf(which), (known?.startedAt ?? 0) - (off === 2 ? 1 : 0));
    }
    case "mark": {
      const { lastMark } = await store.epochState(0);
      const markNo = Math.max(1, (lastMark?.markNo ?? 0) + (off === 2 ? 0 : 1));
      const place = { id: `id ${off}`, path: `path ${at}` };
      return store.addMark({ markNo, mark: `mark ${at}`, at, changeSeq: at, place });
    }
    case "stand still":
      return store.beginStandstill({
        why: off === 0 ? "restored" : "told",
        noticedAt: at,
        backupAt: off === 2 ? null : at - 5,
      });
    case "settle":
      return store.endStandstill({ outcome: off === 0 ? "moved" : "restored", at });
    case "look soon":
      return store.lookAt(off === 0 ? [grantId] : [0, 1].map(grantIdOf), at);
    case "sweep":
      return off === 1 ? store.sweepRejected(at - 20, at - 2) : store.sweepIntakes(at - 5 * off);
  }
}

/** Everything that can be read of a store, sorted, where a store may choose the order. */
export async function contents(store: ModelledStore): Promise<unknown> {
  const rows = await store.listGrants({ limit: 100 });
  const parents = rows.flatMap(({ grantId, generation }) =>
    Array.from({ length: generation + 1 }, (_, parent) => [grantId, parent] as const),
  );
  const [firstDue] = await store.grantsToLookAt(1_000, 1);
  const { seq: lastEvent } = await store.eventHead();
  const codeText = ({ codeHash }: IntakeRow): string => Buffer.from(codeHash).toString("hex");
  return {
    rows,
    due: [await store.grantsToLookAt(30, 10), await store.grantsToLookAt(1_000, 2, firstDue)],
    byId: await Promise.all([0, 1, 2].map((which) => store.grantById(grantIdOf(which)))),
    known: await Promise.all([0, 1].map((which) => store.grantsByExternalId(bytes(`user ${which}`)))),
    tokens: await Promise.all([0, 1, 2].map(async (which) => store.tokenById(grantIdOf(which)))),
    tokensFound: await Promise.all([
      ...[0, 1].map(async (which) => sorted(await store.tokensByExternalId(bytes(`user ${which}`)))),
      ...rows.map(async ({ subjectHash }) => sorted(await store.tokensBySubject(subjectHash))),
    ]),
    labelled: await Promise.all(
      [0, 1, 2, 3].map((n) => {
        const account = { accountHash: bytes(`label ${n % 2}`), subjectHash: bytes("nobody") };
        return store.listGrants({ account, limit: 100, ...(n < 2 ? {} : { externalHash: bytes("user 0") }) });
      }),
    ),
    attempts: (await store.attempts()).map(timeless).sort((a, b) => (a.grantId < b.grantId ? -1 : 1)),
    lateAnswers: await Promise.all(rows.map(({ grantId }) => store.lateAnswersOf(grantId))),
    lateAnswersByParent: await Promise.all(parents.map(([grantId, parent]) => store.lateAnswersOf(grantId, parent))),
    intakesByCode: await Promise.all([0, 1, 2].map((which) => store.intakeByCode(codeOf(which)))),
    tickets: await Promise.all([0, 1].map((which) => store.ticketByHash(ticketOf(which)))),
    held: [await store.heldIntakes(30, 10), await store.heldIntakes(1_000, 1)],
    lastEvent,
    events: (await store.events({ after: 0, limit: 1_000 })).map(({ eventId: _random, ...event }) => event),
    newestEvents: (await store.events({ after: lastEvent - 3, limit: 2 })).map(({ seq, type }) => [seq, type]),
    eventsOf: (await store.events({ after: 1, limit: 2, grantId: grantIdOf(0) })).map(({ seq }) => seq),
    deposits: await Promise.all([0, 1, 2].map((which) => store.depositByToken(codeOf(which)))),
    deaths: [await store.deathsOf("client-1", 10), await store.deathsOf("client-1", 1)],
    consents: sorted(await store.consentsOf("client-1", 40, 10)),
    marked: await Promise.all([0, 1, 2].map(async (markNo) => unnumbered(await store.epochState(markNo)))),
    epochs: (await store.epochs(100)).map(withoutAudit),
    newestEpochs: (await store.epochs(1)).map(withoutAudit),
    intakes: (await store.openIntakes()).sort((a, b) => (codeText(a) < codeText(b) ? -1 : 1)),
  };
}

/** Without the number of the latest change: stores differ in how many one write is. */
function unnumbered({ lastEpoch, changeSeq: _number, ...state }: EpochState): unknown {
  return { ...state, ...(lastEpoch === undefined ? {} : { lastEpoch: withoutAudit(lastEpoch) }) };
}

/** There is no model of the audit log. */
function withoutAudit({ auditFrom: _from, auditTo: _to, ...epoch }: EpochRow): Omit<EpochRow, "auditFrom" | "auditTo"> {
  return epoch;
}

function sorted<Row extends { readonly grantId: string }>(rows: readonly Row[]): readonly Row[] {
  return rows.toSorted((a, b) => (a.grantId < b.grantId ? -1 : 1));
}

function withoutTime(begun: Awaited<ReturnType<ModelledStore["beginAttempt"]>>): unknown {
  return begun.kind === "held" ? { kind: "held", attempt: timeless(begun.attempt) } : begun;
}

/** Each store takes the time of attempts from its own clock, so it differs from the model's. */
function timeless({ attemptId, grantId, generation, owner, endedUnknown }: Attempt): Omit<Attempt, "startedAt"> {
  return { attemptId, grantId, generation, owner, endedUnknown };
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
