/**
 * signals/ acts on what providers say of people's accounts: which grants an event is about, and what becomes of them. How a
 * token is verified does not belong here (oauth/security-event-token/), nor HTTP (vault/http/).
 */
import { reasons } from "../../core/diagnosis/reasons.ts";
import { OnbehalfError } from "../../core/errors.ts";
import { lookAgainMs } from "../../core/second-look.ts";
import { subjectHash } from "../../crypto/keyring.ts";
import type { Protocol } from "../../oauth/protocol.ts";
import type { SecurityEvent } from "../../oauth/security-event-token/read-events.ts";
import type { EventSubject, SubjectName } from "../../oauth/security-event-token/subject.ts";
import { verifySet } from "../../oauth/security-event-token/verify.ts";
import type { RefusedSet, SecurityEventToken } from "../../oauth/security-event-token/verify.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { SignalToTake } from "../../store/signal-store.ts";
import { actingAs } from "../context.ts";
import type { VaultContext } from "../context.ts";
import { grantsThatEndWith } from "../grants/siblings-of.ts";
import { effectOf, isStronger } from "./after-signal.ts";
import type { SaidOfGrant } from "./after-signal.ts";
import { concerns, transmittersOf } from "./transmitters.ts";
import type { Transmitters, TrustedTransmitter } from "./transmitters.ts";

/** What has become of a token. `taken` counts for one that was taken before, too. */
export type SignalResult =
  { readonly kind: "taken"; readonly isNew: boolean } | ({ readonly kind: "refused" } & RefusedSet);

/** How often a token is tried whose grants change while it is taken. */
const mostTries = 20;
/** How soon a grant is looked at that lapsed by an event which came within a minute of its tokens: clocks differ. */
const doubtfulLapseMs = 60_000;

/** By this name the audit log knows what an event has done. */
const transmitterPrincipal = { caller: "@signals", requestId: null };

/** The security events that providers send. */
export class Signals {
  readonly #context: VaultContext;
  readonly #onChange: (grantIds: readonly string[]) => void;
  #transmitters: Transmitters | undefined;

  /** @param onChange is told of the grants that an event has changed */
  constructor(context: VaultContext, onChange: (grantIds: readonly string[]) => void) {
    this.#context = context;
    this.#onChange = onChange;
  }

  /**
   * Verifies a Security Event Token and acts on it. When it returns, what was done is stored, in one transaction with the
   * note that this token came: it is acted upon once, whichever process it is delivered to again.
   *
   * @param token as it came, in compact form
   * @throws {OnbehalfError} `provider_unavailable`: the keys of its issuer cannot be read; nothing was done
   * @throws {OnbehalfError} `store_unavailable`: it is not known whether it was taken; the same token may come again
   * @see https://www.rfc-editor.org/rfc/rfc8935#section-2
   */
  async take(token: string): Promise<SignalResult> {
    const { clock, emit } = this.#context;
    this.#transmitters ??= transmittersOf(this.#context);
    const transmitters = this.#transmitters;
    const read = await verifySet(token, (issuer) => transmitters.get(issuer), clock.now());
    if ("err" in read) {
      emit({ type: "signal_refused", error: read.err });
      return { kind: "refused", ...read };
    }
    const transmitter = transmitters.get(read.issuer);
    if (transmitter === undefined) throw new TypeError("a token was verified whose issuer nobody trusts");
    const foreign = read.events.find(({ subject }) => isForeign(subject, transmitter));
    if (foreign !== undefined) {
      emit({ type: "signal_refused", error: "access_denied" });
      return {
        kind: "refused",
        err: "access_denied",
        description: "the subject is of an issuer that this one does not speak for",
      };
    }
    return { kind: "taken", isNew: await actingAs(transmitterPrincipal, () => this.#act(read, transmitter)) };
  }

  /** When a verification came that was asked for with this state, milliseconds since the epoch; undefined where none did. */
  verifiedAt(state: string): Promise<number | undefined> {
    return this.#context.store.verifiedAt(this.#stateHash(state));
  }

  /** When the latest event came, milliseconds since the epoch; undefined where none did in the last two weeks. */
  lastAt(): Promise<number | undefined> {
    return this.#context.store.lastSignalAt();
  }

  #stateHash(state: string): Buffer {
    return this.#context.keyring.hash("signal_state", state);
  }

  async #act(set: SecurityEventToken, transmitter: TrustedTransmitter): Promise<boolean> {
    const { store, keyring, clock } = this.#context;
    const { state } = set.events.find(({ type }) => type === "verification") ?? {};
    const stateHash = state === undefined || state === "" ? null : this.#stateHash(state);
    const signal = {
      signalHash: keyring.hash("signal", transmitter.issuer, set.jti),
      stateHash,
      receivedAt: clock.now(),
    };
    for (let tries = 0; tries < mostTries; tries++) {
      const effects = await this.#effects(set, transmitter);
      const taken = await store.takeSignal(
        signal,
        effects.map(({ effect }) => effect),
      );
      if (taken === "moved") continue;
      if (taken === "taken") this.#tell(set, transmitter, effects);
      return taken === "taken";
    }
    throw new OnbehalfError("store_unavailable", "the grants of an event changed again and again while it was taken", {
      hint: "send the same event again",
      details: { retryAfterMs: 5_000 },
    });
  }

  /** What the events of a token do: for each grant the strongest first, which the others only stand beside. */
  async #effects(
    { audience, events }: SecurityEventToken,
    { protocols, issuer }: TrustedTransmitter,
  ): Promise<readonly { readonly row: GrantRow; readonly effect: SignalToTake }[]> {
    const ours = protocols.filter((protocol) => audience.some((each) => concerns(protocol, each)));
    const found: { readonly row: GrantRow; readonly effect: SignalToTake }[] = [];
    for (const event of events) {
      const { type, subject, change, status, happenedAt, reason } = event;
      if (type === undefined || subject === undefined) continue;
      for (const [row, by] of await this.#grantsOf(subject, ours, issuer)) {
        const said: SaidOfGrant = { type, change, status, happenedAt, by };
        const effect = effectOf(said, row);
        if (effect === "nothing") continue;
        const { grantId, generation, state } = row;
        const lapse = effect === "lapse" ? { lapse: this.#lapse(row, event, ours) } : {};
        const taken = {
          grantId,
          generation,
          state,
          event: type,
          saidReason: reason ?? null,
          happenedAt,
          effect,
          ...lapse,
        };
        const same = found.findIndex((each) => each.row.grantId === grantId && each.effect.event === type);
        if (same === -1) found.push({ row, effect: taken });
        else if (isStronger(effect, found[same]?.effect.effect ?? "nothing")) found[same] = { row, effect: taken };
      }
    }
    return weakened(found);
  }

  #lapse(
    { provider, accessIssuedAt }: GrantRow,
    { happenedAt }: SecurityEvent,
    protocols: readonly Protocol[],
  ): NonNullable<SignalToTake["lapse"]> {
    const rotation = protocols.find((each) => each.provider.name === provider)?.provider.rotation;
    // Where tokens rotate, one that is sent again can end its whole family.
    if (rotation !== "none") return { reason: "ended_by_provider", lookAt: null };
    const isDoubtful = accessIssuedAt !== null && happenedAt - accessIssuedAt < doubtfulLapseMs;
    const afterMs = isDoubtful ? doubtfulLapseMs : lookAgainMs.afterLapse;
    return { reason: "ended_by_provider", lookAt: this.#context.clock.now() + afterMs };
  }

  /** The grants of our clients that a subject is about, and how each was found. */
  async #grantsOf(
    { names, isPartial }: EventSubject,
    protocols: readonly Protocol[],
    transmitter: string,
  ): Promise<readonly (readonly [GrantRow, SaidOfGrant["by"]])[]> {
    const { store, keyring } = this.#context;
    const isOf = ({ provider, client }: Protocol, row: GrantRow): boolean =>
      row.provider === provider.name && row.issuer === provider.issuer && row.clientId === client.clientId;
    const found = new Map<string, readonly [GrantRow, SaidOfGrant["by"]]>();
    const add = (rows: readonly GrantRow[], by: SaidOfGrant["by"], which: readonly Protocol[]): void => {
      for (const row of rows) {
        if (which.some((protocol) => isOf(protocol, row)) && !found.has(row.grantId)) found.set(row.grantId, [row, by]);
      }
    };
    for (const name of names) {
      if (name.kind === "refresh-token") {
        const rows = await this.#grantsWith(name);
        // Several tokens may begin alike. One of them has ended, and nobody knows which: the provider is asked about each.
        add(rows, rows.length === 1 ? "token" : "part", protocols);
        for (const row of rows) {
          const protocol = protocols.find((each) => isOf(each, row));
          if (protocol !== undefined) add(await grantsThatEndWith(store, protocol.provider, row), "part", protocols);
        }
        continue;
      }
      for (const protocol of protocols) {
        const sub = subOf(name, protocol, transmitter);
        if (sub === undefined) continue;
        const rows = await store.grantsBySubject(subjectHash(keyring, protocol.provider.issuer, sub));
        add(rows, isPartial ? "part" : "person", [protocol]);
      }
    }
    return [...found.values()];
  }

  #grantsWith({ form, value }: SubjectName & { readonly kind: "refresh-token" }): Promise<GrantRow[]> {
    const { store, keyring } = this.#context;
    return form === "prefix"
      ? store.grantsByRefreshPrefix(keyring.hash("refresh_token_prefix", value.slice(0, 16)))
      : store.grantsByRefreshDigest(keyring.hash("refresh_token_digest", value));
  }

  #tell(
    { events }: SecurityEventToken,
    { issuer }: TrustedTransmitter,
    effects: readonly { readonly row: GrantRow; readonly effect: SignalToTake }[],
  ): void {
    const { emit } = this.#context;
    this.#onChange(effects.map(({ row }) => row.grantId));
    for (const { type } of events) {
      const about = effects.filter(({ effect }) => effect.event === type);
      const grants = about.map(({ row, effect }) => ({ grantId: row.grantId, effect: effect.effect }));
      emit({ type: "signal_taken", issuer, event: type ?? "unknown", grants });
    }
    for (const { row, effect } of effects) {
      const { grantId, provider } = row;
      if (effect.lapse !== undefined) {
        const { reason } = effect.lapse;
        const { dependsOn, fix } = reasons[reason];
        emit({ type: "lapsed", grantId, provider, reason, dependsOn, fix });
      }
    }
  }
}

/** Leaves the strongest effect on each grant as it is, and makes notes of the others. */
function weakened(
  found: readonly { readonly row: GrantRow; readonly effect: SignalToTake }[],
): readonly { readonly row: GrantRow; readonly effect: SignalToTake }[] {
  const acted = new Set<string>();
  return found
    .toSorted((a, b) =>
      isStronger(a.effect.effect, b.effect.effect) ? -1 : isStronger(b.effect.effect, a.effect.effect) ? 1 : 0,
    )
    .map(({ row, effect }) => {
      if (!acted.has(row.grantId)) {
        acted.add(row.grantId);
        return { row, effect };
      }
      const { lapse: _lapse, ...rest } = effect;
      return { row, effect: { ...rest, effect: "note" as const } };
    });
}

/** The provider's id of the person whom a name means; undefined where it is not this provider's person. */
function subOf(
  name: Exclude<SubjectName, { kind: "refresh-token" }>,
  protocol: Protocol,
  transmitter: string,
): string | undefined {
  if (name.kind === "opaque") return name.id;
  return isIssuerOf(name.iss, protocol, transmitter) ? name.sub : undefined;
}

/** Whether a subject's issuer is a provider's. Google writes its own with a slash at the end here, and without in ID tokens. */
function isIssuerOf(iss: string, { provider }: Protocol, transmitter: string): boolean {
  const { issuer, alsoIssuedAs = [] } = provider;
  return [issuer, ...alsoIssuedAs, transmitter].some((each) => withoutSlash(each) === withoutSlash(iss));
}

function withoutSlash(issuer: string): string {
  return issuer.replace(/\/$/, "");
}

/** Whether an event names somebody of an issuer that its transmitter does not speak for, and nobody of one that it does. */
function isForeign(subject: EventSubject | undefined, { protocols, issuer }: TrustedTransmitter): boolean {
  const people = (subject?.names ?? []).filter((name) => name.kind === "person");
  const isOurs = (iss: string): boolean => protocols.some((protocol) => isIssuerOf(iss, protocol, issuer));
  return people.length > 0 && people.every(({ iss }) => !isOurs(iss));
}
