/* Which client we are at the authorization server of each MCP server. What was registered is sealed. */

/** The client of one provider at one MCP server. */
export interface RegisteredClientRow {
  /** The provider's short name. */
  readonly provider: string;
  /** The MCP server's URL. */
  readonly server: string;
  /** Empty while a process finds out or registers. */
  readonly clientId: string;
  /** Null then. */
  readonly registrationSealed: Uint8Array | null;
  /** Since when it is so, by the store's clock. */
  readonly changedAt: number;
}

/** A row that a process holds while it finds out or registers. */
export type ClientClaim = Pick<RegisteredClientRow, "provider" | "server" | "changedAt">;

export interface ClientStore {
  /** @returns undefined where nobody has asked that server yet */
  registeredClient(provider: string, server: string): Promise<RegisteredClientRow | undefined>;
  /** Every one of them. */
  listRegisteredClients(): Promise<RegisteredClientRow[]>;
  /**
   * Makes this process the one that finds out and registers, so that two that begin at once do not register twice. What
   * the row held before is gone.
   *
   * @param before the row as it was read; undefined where there was none
   * @returns true: claimed; false: nothing was changed, since the row is not as it was read
   */
  claimClient(claim: ClientClaim, before: RegisteredClientRow | undefined): Promise<boolean>;
  /** @returns true: kept; false: nothing was changed, since another process has claimed it meanwhile */
  keepClient(
    claim: ClientClaim,
    row: Pick<RegisteredClientRow, "clientId" | "registrationSealed" | "changedAt">,
  ): Promise<boolean>;
  /** Gives a claim up. */
  dropClaim(claim: ClientClaim): Promise<void>;
}
