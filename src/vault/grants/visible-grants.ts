import { isOnbehalfError } from "../../core/errors.ts";
import { asItStands } from "../../core/grant-state.ts";
import type { ToldEvent } from "../../core/diagnosis/evidence.ts";
import type { Grant, GrantRef, Tie } from "../../core/grant.ts";
import type { Reach } from "../../core/reach.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { GrantFilter } from "../../store/store.ts";
import type { VaultContext } from "../context.ts";
import { grantUnreadable } from "../errors/grant-unreadable.ts";
import { externalHash, subjectHash } from "../../crypto/keyring.ts";
import { eventsAbout, seenGrant } from "./diagnosed.ts";
import { askedBy, findGrant, isMeant, isOurs } from "./find-grant.ts";
import { fits, openPerson, sealPerson } from "./sealed-grant.ts";
import type { AskedTie } from "./sealed-grant.ts";

/*
 * Grants as a caller sees them. What is out of its reach, and what another client of the provider stored, does not exist
 * for it: the same answer as for a reference that nobody has, after the same work.
 */

/** A grant's row, and by which external ids the caller sees it. */
export interface VisibleGrant {
  readonly row: GrantRow;
  readonly externalIds: readonly string[];
  /** What the provider has told of it in signed events, where that was read. */
  readonly events?: readonly ToldEvent[];
}

/** Decides about rows for one caller. */
export class Sight {
  readonly #context: VaultContext;
  readonly #reach: Reach;
  readonly #decoy: Parameters<typeof openPerson>[1] | undefined;

  constructor(context: VaultContext, reach: Reach) {
    this.#context = context;
    this.#reach = reach;
    this.#decoy = reach.needsExternalIds ? decoyFor(context) : undefined;
  }

  /**
   * The one grant that a reference names, of those in reach.
   *
   * @throws {OnbehalfError} `grant_not_found`, `ambiguous_grant`, `grant_unreadable`, `store_unavailable`
   */
  async find(ref: GrantRef): Promise<VisibleGrant> {
    const { externalId: asked } = askedBy(ref);
    const seen = new Map<GrantRow, readonly string[]>();
    let opened = 0;
    try {
      const row = await findGrant(
        this.#context,
        ref,
        (each) => {
          const ids = this.#seenIds(each, asked, () => (opened += 1));
          if (ids === undefined || !this.#mayAskBy(asked, ids)) return false;
          seen.set(each, ids);
          return true;
        },
        (each, id) => this.#reach.isAll || seen.get(each)?.includes(id) === true,
      );
      return { row, externalIds: seen.get(row) ?? [] };
    } finally {
      // The time of an answer must not tell a grant that is out of reach from one that is not there.
      if (opened === 0 && this.#decoy !== undefined) openPerson(this.#context.keyring, this.#decoy);
    }
  }

  /** {@link find}, with what {@link shown} tells of it read beforehand. */
  async found(ref: GrantRef): Promise<VisibleGrant> {
    const visible = await this.find(ref);
    const { row } = visible;
    return { ...visible, events: await eventsAbout(this.#context, row) };
  }

  /** A row as the caller sees it; undefined where it does not, or where its person does not open. */
  see(row: GrantRow, asked: AskedTie): Grant | undefined {
    const externalIds = this.#seenIds(row, undefined, () => undefined);
    if (externalIds === undefined || !this.#mayAskBy(asked.externalId, externalIds)) return undefined;
    // It was found by a hash that stands in clear: the grant itself must say so, too.
    if (asked.externalId !== undefined && !isMeant(this.#context, row, asked.externalId)) return undefined;
    try {
      const grant = this.shown({ row, externalIds }, asked);
      return asked.account === undefined || grant.externalIds.some(fits(asked)) ? grant : undefined;
    } catch (error) {
      if (!isOnbehalfError(error, "grant_unreadable")) throw error;
      this.#context.emit({ type: "unreadable", grantId: row.grantId, provider: row.provider });
      return undefined;
    }
  }

  /**
   * A grant without the external ids that the caller does not see.
   *
   * @throws {OnbehalfError} `grant_unreadable`
   */
  shown({ row, externalIds, events }: VisibleGrant, asked: AskedTie): Grant {
    const { externalId: _first, account: _label, ...grant } = seenGrant(this.#context, row, asked, events);
    const sees = ({ externalId }: Tie): boolean => this.#reach.isAll || externalIds.includes(externalId);
    const ties = grant.externalIds.filter(sees);
    return { ...grant, externalIds: ties, ...(ties.find(fits(asked)) ?? ties[0]) };
  }

  /**
   * The rows that the caller's selectors name one by one, in the order of their ids; undefined where a selector may fit
   * any grant, so that all must be gone through.
   */
  async selected({
    state,
    subjectHash,
    externalHash: asked,
    after,
  }: Omit<GrantFilter, "limit">): Promise<GrantRow[] | undefined> {
    const { store, keyring, clock } = this.#context;
    const { isAll, prefixes, grantIds, externalIds } = this.#reach;
    if (isAll || prefixes.length > 0 || asked !== undefined) return undefined;
    const rows = new Map<string, GrantRow>();
    const add = (row: GrantRow | undefined): unknown => row !== undefined && rows.set(row.grantId, row);
    for (const grantId of grantIds) add(await store.grantById(grantId));
    for (const id of externalIds) for (const row of await store.grantsByExternalId(externalHash(keyring, id))) add(row);
    return [...rows.values()]
      .filter(
        (row) => row.grantId > (after ?? "") && (state === undefined || asItStands(row, clock.now()).state === state),
      )
      .filter((row) => subjectHash === undefined || Buffer.compare(row.subjectHash, subjectHash) === 0)
      .sort((one, other) => (one.grantId < other.grantId ? -1 : 1));
  }

  /** Whether the caller sees a grant whoever it belongs to: then also one that cannot be shown. */
  seesAll(row: GrantRow): boolean {
    return this.#reach.isAll && this.#reach.hasProvider(row.provider) && isOurs(this.#context, row);
  }

  /** Whether a grant that is in reach may be asked for by this id: one that the caller does not see is not there. */
  #mayAskBy(asked: string | undefined, externalIds: readonly string[]): boolean {
    return asked === undefined || this.#reach.isAll || externalIds.includes(asked);
  }

  #seenIds(row: GrantRow, asked: string | undefined, onOpen: () => unknown): readonly string[] | undefined {
    if (!isOurs(this.#context, row)) return undefined;
    try {
      return this.#reach.seenIds(row, () => {
        // Whose grants it is, is decided without: a damaged profile must not hide the grant from its operator's programs.
        if (this.#reach.isAll) return [];
        onOpen();
        return openPerson(this.#context.keyring, row).externalIds.map(({ externalId }) => externalId);
      });
    } catch (error) {
      if (!isOnbehalfError(error, "grant_unreadable")) throw error;
      // Nobody knows whose it is. Only who asked for it by an id of its own is told so, and not which grant it is.
      if (asked !== undefined && this.#reach.hasExternalId(asked)) throw grantUnreadable(undefined);
      return undefined;
    }
  }
}

/** What is opened where a reference fits nothing: as large as most people's. */
function decoyFor({ keyring }: VaultContext): Parameters<typeof openPerson>[1] {
  const identity = { grantId: "g_", clientId: "", provider: "" };
  const profile = {
    sub: "0".repeat(21),
    email: "someone@example.com",
    name: "Some One",
    picture: "https://".padEnd(90),
  };
  const issuer = "";
  const subject = subjectHash(keyring, issuer, profile.sub);
  return {
    ...identity,
    issuer,
    subjectHash: subject,
    profileSealed: sealPerson(keyring, identity, {
      profile,
      externalIds: [{ externalId: "someone", account: profile.sub }],
    }),
  };
}
