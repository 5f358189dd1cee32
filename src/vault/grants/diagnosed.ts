import { ageSlackMs } from "../../core/diagnosis/client-lives.ts";
import type { ClientLives } from "../../core/diagnosis/client-lives.ts";
import type { Diagnosis } from "../../core/diagnosis/diagnosis.ts";
import { diagnose } from "../../core/diagnosis/diagnose.ts";
import { lifeOfDead } from "../../core/diagnosis/dead-token.ts";
import { withEvents } from "../../core/diagnosis/evidence.ts";
import type { ToldEvent } from "../../core/diagnosis/evidence.ts";
import type { ProviderFacts } from "../../core/diagnosis/facts.ts";
import { endingsOf } from "../../core/diagnosis/known-endings.ts";
import { dayMs, endsInTesting } from "../../core/diagnosis/token-endings.ts";
import type { TokenEndings } from "../../core/diagnosis/token-endings.ts";
import { isOnbehalfError } from "../../core/errors.ts";
import { asItStands } from "../../core/grant-state.ts";
import type { LapseReason } from "../../core/grant-state.ts";
import type { Grant } from "../../core/grant.ts";
import { isUsable } from "../../core/grant.ts";
import { refusalsOf } from "../../core/refresh.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { LifeRow } from "../../store/life-store.ts";
import type { VaultContext } from "../context.ts";
import { grantOf } from "./sealed-grant.ts";
import type { AskedTie } from "./sealed-grant.ts";

/** How many grants of a client are looked at, those that died and those that may have lived on. */
const sample = 200;

/** How long what was read of a client's grants is used, milliseconds: it changes with days. */
const keptMs = 30_000;

interface Kept {
  readonly readAt: number;
  readonly lives: ClientLives;
}

type Context = Pick<VaultContext, "store" | "clock" | "protocols">;

const keptBy = new WeakMap<Context["store"], Map<string, Kept>>();

/**
 * Why a grant is not well, with what is known of the other grants of its client by now ({@link learnLives}).
 *
 * @returns undefined: it is well
 */
export function diagnosisOf(context: Context, row: GrantRow): Diagnosis | undefined {
  const lives = keptBy.get(context.store)?.get(row.clientId)?.lives;
  return diagnose(row, factsOf(context, row), context.clock.now(), lives);
}

/**
 * A row as people and programs see it now: how it stands, and why it is not well. What that takes of other grants is read
 * beforehand ({@link learnLives}).
 *
 * @param asked the external id and the label by which the grant was asked for, as far as it was by any
 * @param events what the provider has told of it ({@link eventsAbout})
 * @throws {OnbehalfError} `grant_unreadable`
 */
export function seenGrant(
  context: Context & Pick<VaultContext, "keyring">,
  row: GrantRow,
  asked: AskedTie = {},
  events: readonly ToldEvent[] = [],
): Grant {
  const found = diagnosisOf(context, row);
  const diagnosis = found === undefined ? found : { ...found, evidence: withEvents(found.evidence, events) };
  return grantOf(context.keyring, asItStands(row, context.clock.now()), asked, diagnosis);
}

/**
 * Reads what {@link seenGrant} tells of one grant: how long the others of its client live, and, where it is suspect or has lapsed,
 * what the provider has told of it in signed events since its person consented last. That is a statement for each grant: whoever
 * lists many does without.
 *
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function eventsAbout(context: Context, row: GrantRow): Promise<readonly ToldEvent[]> {
  const isOver = row.state === "suspect" || row.state === "lapsed";
  const since = row.consentedAt ?? row.createdAt;
  const [signals] = await Promise.all([isOver ? context.store.signalsOf(row.grantId) : [], learnLives(context, [row])]);
  return signals.filter(({ receivedAt }) => receivedAt >= since);
}

function factsOf({ protocols }: Context, row: GrantRow): ProviderFacts {
  const provider = protocols.get(row.provider)?.provider;
  return {
    name: row.provider,
    refusals: refusalsOf(provider),
    rotation: provider?.rotation ?? "none",
    endings: endingsOf(row.issuer),
  };
}

/**
 * Reads how long the grants live of the clients of these grants, where that says something of them: at most twice 200 rows a
 * client, and not again for half a minute.
 */
export async function learnLives(context: Context, rows: readonly GrantRow[]): Promise<void> {
  const concerned = rows.filter((row) => mayBeInTesting(row, context.clock.now()));
  const clients = new Map(concerned.map(({ clientId, issuer }) => [clientId, endingsOf(issuer)]));
  // What was read before a grant died does not have its death.
  const since = (of: string): number =>
    Math.max(
      0,
      ...concerned.map(({ clientId, state, stateSince }) => (clientId === of && state === "lapsed" ? stateSince : 0)),
    );
  await Promise.all([...clients].map(([clientId, endings]) => learn(context, clientId, endings, since(clientId))));
}

/**
 * Why a grant lapses now, before that is written. The other grants of its client are looked at anew, so that the event says what
 * the grant will say.
 */
export async function whyLapsed(
  context: Context,
  grant: GrantRow,
  {
    reason,
    error,
    says,
    at,
  }: { readonly reason: LapseReason; readonly error: string; readonly says: string; readonly at: number },
): Promise<Diagnosis> {
  const lastErrors = { lastError: error, lastErrorSays: says, lastErrorAt: at };
  const lapsed: GrantRow = { ...grant, state: "lapsed", reason, stateSince: at, ...lastErrors };
  await learnLives(context, [lapsed]);
  const { consentedAt, grantId, scope } = lapsed;
  const lives = keptBy.get(context.store)?.get(grant.clientId)?.lives ?? { ended: [], going: [] };
  const life = reason === "invalid_grant" ? lifeOfDead(lapsed) : undefined;
  const own = life === undefined || consentedAt === null ? [] : [{ grantId, scope, lapsedAt: at, ...life }];
  const ended = [...own, ...lives.ended.filter((each) => each.grantId !== grantId)];
  const found = diagnose(lapsed, factsOf(context, lapsed), at, { ...lives, ended });
  if (found === undefined) throw new TypeError("a grant that lapses has no reason");
  return found;
}

/** Whether it would matter for this grant that its client is in Testing status. */
function mayBeInTesting(row: GrantRow, now: number): boolean {
  const endings = endingsOf(row.issuer);
  if (endings.testingDays === undefined || row.consentedAt === null || !endsInTesting(row.scope, endings)) return false;
  if (row.state === "lapsed") return row.reason === "invalid_grant";
  return (
    isUsable(row.state) && row.refreshSealed !== null && now - row.consentedAt <= (endings.testingDays + 1) * dayMs
  );
}

async function learn(
  { store, clock }: Context,
  clientId: string,
  { testingDays = 0 }: TokenEndings,
  since: number,
): Promise<void> {
  const now = clock.now();
  const kept = keptBy.get(store) ?? new Map<string, Kept>();
  keptBy.set(store, kept);
  const known = kept.get(clientId);
  if (known !== undefined && Math.abs(now - known.readAt) < keptMs && known.readAt > since) return;
  try {
    const grown = now - testingDays * dayMs - ageSlackMs;
    const [deaths, consents] = await Promise.all([
      store.deathsOf(clientId, sample),
      store.consentsOf(clientId, grown, sample),
    ]);
    kept.set(clientId, { readAt: now, lives: livesIn(deaths, consents) });
  } catch (error) {
    // What is inferred is an addition: the grant itself was read.
    if (!isOnbehalfError(error, "store_unavailable")) throw error;
  }
}

function livesIn(deaths: readonly LifeRow[], consents: readonly LifeRow[]): ClientLives {
  return {
    ended: deaths.map(({ grantId, scope, diedAt, diedAfter, diedBefore }) => {
      return { grantId, scope, lapsedAt: diedAt ?? 0, livedMs: diedAfter ?? 0, deadMs: diedBefore ?? 0 };
    }),
    going: consents.map(({ grantId, scope, consentedAt, lastRefreshAt }) => {
      return { grantId, scope, consentedAt: consentedAt ?? 0, exchangedAt: lastRefreshAt ?? consentedAt ?? 0 };
    }),
  };
}
