/**
 * Sign-ins that a program runs itself, such as an SDK: it sends the person to the provider, and comes with the code. What has
 * to be remembered meanwhile is kept where connect links are, sealed, so that another process can go on after a crash.
 */
import { abortSignal, assertFits, assertOptions, filledText, required, text } from "../../../core/argument-checks.ts";
import type { Authorization } from "../../../core/authorization.ts";
import { connectLifeMs } from "../../../core/connect.ts";
import { defined } from "../../../core/defined.ts";
import { invalidRequest } from "../../../core/errors.ts";
import { waitFor } from "../../../core/single-flight.ts";
import { connectPlace } from "../../../crypto/places.ts";
import type { ConnectRow } from "../../../store/connect-store.ts";
import type { VaultContext } from "../../context.ts";
import { currentPrincipal, protocolNamed } from "../../context.ts";
import type { Keeper } from "../../keeper/keeper.ts";
import { isRandomText, randomText } from "./link.ts";

/** Whose sign-in it is. */
export interface SignInOf {
  /** The provider's short name. */
  readonly provider: string;
  /** The app's own user id. */
  readonly externalId: string;
  /** The label of one of that user's accounts. Default: none. */
  readonly account?: string;
}

/** What is remembered of a sign-in until its code comes. */
export interface KeptSignIn {
  /** What the provider sends back with the code. */
  readonly state: string;
  readonly codeVerifier: string;
  readonly redirectUri: string;
  /** What was asked for. */
  readonly scopes: readonly string[];
}

/** How the sign-ins of a program's own stand in the store; see `Vault.signIns`. */
export interface SignIns {
  /**
   * What an authorization request needs to know of a provider, and who our client is there. At an MCP server where no client
   * is known, it is found out and registered, once for all processes.
   *
   * @param provider its short name; may be left out where there is only one provider
   * @throws {OnbehalfError} `invalid_request`: no such provider is configured
   * @throws {OnbehalfError} `provider_unavailable`, `keeper_unavailable`: that is not possible just now
   * @throws {OnbehalfError} `client_misconfigured`, `configuration_invalid`: it cannot be used as it is
   */
  authorization(provider?: string, options?: { readonly signal?: AbortSignal }): Promise<Authorization>;
  /** A `state` for a sign-in: 256 random bits. */
  newState(): string;
  /**
   * Remembers a sign-in that begins now, for fifteen minutes.
   *
   * @throws {OnbehalfError} `invalid_request`, `store_unavailable`
   */
  begin(whose: SignInOf, signIn: KeptSignIn): Promise<void>;
  /**
   * A sign-in that was begun, in any process.
   *
   * @param state what the provider sent back. Absent: the person's newest sign-in is meant
   * @returns undefined where there is none, fifteen minutes have passed, or it is somebody else's. By its state, one that has become a
   *   grant is found as well: a browser may send the same answer twice
   * @throws {OnbehalfError} `store_unavailable`
   */
  find(whose: SignInOf, state?: string): Promise<KeptSignIn | undefined>;
  /**
   * Notes that a sign-in has become a grant: it is the newest no more.
   *
   * @throws {OnbehalfError} `store_unavailable`
   */
  finish(state: string, grantId: string): Promise<void>;
}

/** What is sealed: whose it is stands with it, so that no row can be made somebody else's. */
interface Sealed extends SignInOf {
  readonly by: string;
}

/** Sign-ins of a program's own, over a vault's store. */
export function ownSignIns(context: VaultContext, keeper: Keeper): SignIns {
  const { store, keyring, clock } = context;

  /** Where the newest sign-in of somebody is found. */
  const personHash = ({ provider, externalId, account }: SignInOf): Buffer =>
    keyring.hash("sign_in_of", provider, externalId, ...(account === undefined ? [] : [account]));
  const rowHash = (state: string): Buffer => keyring.hash("sign_in", state);

  function opened(row: ConnectRow, whose: SignInOf): KeptSignIn | undefined {
    if (row.flowSealed === null || row.expiresAt <= clock.now()) return undefined;
    const asked = keyring.open(row.askedSealed, connectPlace("asked", row.connectHash));
    const flow = keyring.open(row.flowSealed, connectPlace("flow", row.connectHash));
    if (asked === undefined || flow === undefined) return undefined;
    const { provider, externalId, account } = JSON.parse(asked) as Sealed;
    const isTheirs = provider === whose.provider && externalId === whose.externalId && account === whose.account;
    return isTheirs ? (JSON.parse(flow) as KeptSignIn) : undefined;
  }

  /** What stands with a sign-in that is found by its `state` alone. */
  const pastHash = (connectHash: Uint8Array): Buffer =>
    keyring.hash("sign_in_past", Buffer.from(connectHash).toString("hex"));

  /** Makes a sign-in one that is found by its `state` alone, and no more as the newest of its person. */
  async function giveWay(row: ConnectRow | undefined): Promise<void> {
    if (row === undefined || row.flowSealed === null) return;
    const { connectHash, flowSealed } = row;
    await store.moveConnect(connectHash, flowSealed, { flowSealed, stateHash: pastHash(connectHash) });
  }

  /** Several processes may begin sign-ins of one person at once: one of them is then the newest, whichever. */
  async function becomeNewest(
    { connectHash, flowSealed }: { readonly connectHash: Uint8Array; readonly flowSealed: Uint8Array },
    stateHash: Uint8Array,
  ): Promise<void> {
    await giveWay(await store.connectByState(stateHash));
    try {
      await store.moveConnect(connectHash, flowSealed, { flowSealed, stateHash });
    } catch (error) {
      // Two rows cannot have the same hash: whoever has it was begun in the same moment.
      if ((await store.connectByState(stateHash)) === undefined) throw error;
    }
  }

  return {
    async authorization(provider, options = {}) {
      if (provider !== undefined) assertFits("provider", provider, filledText);
      assertOptions("authorization", options, { signal: abortSignal });
      options.signal?.throwIfAborted();
      const { name } = protocolNamed(context, provider).provider;
      return waitFor(keeper.authorization(name), options.signal);
    },

    newState: randomText,

    async begin(whose, signIn) {
      assertWhose(whose);
      const { state, codeVerifier, redirectUri, scopes } = signIn;
      if (!isRandomText(state)) {
        throw invalidRequest("state must be one of signIns.newState()", "make one for each sign-in", "state");
      }
      const { provider, externalId, account } = whose;
      const connectHash = rowHash(state);
      const by = currentPrincipal()?.caller ?? context.auditName;
      const asked = JSON.stringify({ provider, externalId, ...defined({ account }), by } satisfies Sealed);
      const askedSealed = keyring.seal(asked, connectPlace("asked", connectHash));
      const createdAt = clock.now();
      await store.createConnect({ connectHash, askedSealed, createdAt, expiresAt: createdAt + connectLifeMs });
      const flow = JSON.stringify({ state, codeVerifier, redirectUri, scopes } satisfies KeptSignIn);
      const flowSealed = keyring.seal(flow, connectPlace("flow", connectHash));
      await store.moveConnect(connectHash, null, { flowSealed, stateHash: pastHash(connectHash) });
      await becomeNewest({ connectHash, flowSealed }, personHash(whose));
    },

    async find(whose, state) {
      assertWhose(whose);
      if (state !== undefined && !isRandomText(state)) return undefined;
      const row = await (state === undefined
        ? store.connectByState(personHash(whose))
        : store.connectByHash(rowHash(state)));
      return row === undefined ? undefined : opened(row, whose);
    },

    async finish(state, grantId) {
      const connectHash = rowHash(state);
      // One that has ended stays as it is: the next sign-in could not become the newest.
      await giveWay(await store.connectByHash(connectHash));
      await store.endConnect(connectHash, clock.now(), null, grantId);
    },
  };
}

function assertWhose(whose: SignInOf): void {
  assertOptions("signIns", whose, {
    provider: required(filledText),
    externalId: required(filledText),
    account: text,
  });
}
