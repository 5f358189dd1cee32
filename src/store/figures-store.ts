/* What grants are counted by, a page at a time: a statement over all of them would hold up everybody else. */
import type { GrantState } from "../core/grant-state.ts";
import type { GrantRow } from "./grant-row.ts";

/** What is counted of a grant that is not `active`. */
export type CountedGrant = Pick<GrantRow, "grantId" | "provider" | "stateSince">;

/** A place among the `active` grants of a client, after which the next page begins. Times are milliseconds since the epoch. */
export interface ActivePlace {
  readonly accessIssuedAt: number;
  readonly grantId: string;
}

export interface FiguresStore {
  /** @returns grants in one of the other states, after this id, in the order of the bytes of their ids */
  grantsInState(state: Exclude<GrantState, "active">, after: string, limit: number): Promise<CountedGrant[]>;
  /**
   * Grants that are written as `active`, and have lapsed by the time alone: they hold no refresh token, and their
   * access token has ended.
   *
   * @param at milliseconds since the epoch
   * @returns those after this id, in the order of the bytes of their ids
   */
  grantsWithoutAccess(at: number, after: string, limit: number): Promise<CountedGrant[]>;
  /**
   * One part of the `active` grants of a client that hold a refresh token, in the order of their last exchanges. A grant that is
   * refreshed meanwhile moves to the end.
   *
   * @param slot which part: `keepAliveSlot`
   */
  activeGrants(clientId: string, slot: number, after: ActivePlace, limit: number): Promise<ActivePlace[]>;
}
