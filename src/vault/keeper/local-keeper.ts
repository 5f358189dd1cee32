import type { Secret } from "../../core/secret.ts";
import type { CodeRequest } from "./codes/code-request.ts";
import { protocolOf } from "../context.ts";
import type { KeeperContext } from "../context.ts";
import type { Priority } from "./gate/gate.ts";
import { Intake } from "./codes/intake.ts";
import { refreshGrant } from "./refresh/refresh-grant.ts";
import { revokeGrant } from "./revoke/revoke-grant.ts";
import { SingleFlight } from "../../core/single-flight.ts";

/** How a refresh ended. The token itself is read from the store, which is the truth. */
export type RefreshOutcome =
  /** A newer generation is stored: by us, or by whoever was first. */
  | { readonly kind: "newer" }
  /** The answer is held in memory until the store takes it; it may be handed out meanwhile. */
  | { readonly kind: "held-in-memory"; readonly accessToken: Secret; readonly expiresAt: number }
  /** The grant is no longer usable; its row says why. */
  | { readonly kind: "ended" }
  | { readonly kind: "unavailable"; readonly error: string; readonly retryAfterMs: number }
  | { readonly kind: "misconfigured"; readonly error: string };

/**
 * The one narrow door to refresh tokens: takes codes in, spends tokens, commits what comes back, revokes. It runs in
 * process for the embedded library and in the keeper for the service; nothing outside of it opens a refresh token.
 */
export interface Keeper {
  /**
   * Exchanges a code and stores the grant.
   *
   * @returns the grant's id
   * @throws {OnbehalfError} `code_rejected`, `id_token_invalid`, `client_misconfigured`, `provider_unavailable`,
   *   `store_unavailable`
   */
  exchangeCode(provider: string, request: CodeRequest): Promise<string>;
  /**
   * Refreshes a generation of a grant, once, whoever asks and from wherever. Goes on when nobody waits any more.
   *
   * @throws {OnbehalfError} `store_unavailable`: no intent could be written, so nothing was spent
   * @throws {OnbehalfError} `grant_unreadable`, `client_misconfigured`
   */
  refresh(grantId: string, generation: number, priority: Priority): Promise<RefreshOutcome>;
  /**
   * Revokes a grant at the provider and ends it.
   *
   * @throws {OnbehalfError} `provider_unavailable`, `store_unavailable`, `client_misconfigured`
   */
  revoke(grantId: string): Promise<void>;
  /** Takes nothing new, and resolves when all that was begun is stored. */
  close(): Promise<void>;
}

/** The keeper of this very process. */
export function localKeeper(context: KeeperContext): Keeper {
  const intake = new Intake(context);
  const intakes = new SingleFlight<string, string>();
  const refreshes = new SingleFlight<string, RefreshOutcome>();
  return {
    exchangeCode(provider, request) {
      const protocol = context.protocols.get(provider);
      if (protocol === undefined) throw new TypeError(`there is no provider ${provider}`);
      return intakes.do(
        intake.requestKey(protocol, request),
        async () => (await intake.exchangeCode(protocol, request)).grantId,
      );
    },

    refresh: (grantId, generation, priority) =>
      // A caller does not join a sweep: it would wait behind all other sweeps.
      refreshes.do(`${priority} ${grantId} ${generation}`, () => refreshGrant(context, grantId, generation, priority)),

    async revoke(grantId) {
      const row = await context.store.grantById(grantId);
      if (row === undefined) return;
      protocolOf(context, row);
      await revokeGrant(context, row);
    },

    async close() {
      await Promise.all([intakes.settled(), refreshes.settled()]);
      // An answer whose commit goes on after its callers were served is listed until it is stored.
      for (let waitedMs = 0; context.running.size > 0 && waitedMs < longestDrainMs; waitedMs += drainPollMs) {
        await context.sleep(drainPollMs);
      }
    },
  };
}

/** Longer than an exchange may take, so that what was spent is stored. */
const longestDrainMs = 40_000;
const drainPollMs = 25;
