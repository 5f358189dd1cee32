/** The handles of all grants, as the store has them: made, verified, ended. Who may make them does not belong here. */
import { defined } from "../../core/defined.ts";
import { invalidRequest, isOnbehalfError } from "../../core/errors.ts";
import { scopesOf as scopesIn } from "../../core/grant.ts";
import { Reach } from "../../core/reach.ts";
import { isRecent } from "../../core/recorded-time.ts";
import { scopesBeyond, whyBeyond } from "../../core/scope-limit.ts";
import type { Secret } from "../../core/secret.ts";
import { isMac } from "../../crypto/keyring.ts";
import type { CountRefusal } from "../audit/refusals.ts";
import type { VaultContext } from "../context.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { HandleRow } from "../../store/handle-store.ts";
import { handleNotFound } from "../errors/handle-not-found.ts";
import { Sight } from "../grants/visible-grants.ts";
import { scopesOf } from "../keeper/codes/code-request.ts";
import type { Caller } from "./caller.ts";
import type { Callers } from "./callers.ts";
import { bound, handleOf, handlePartsOf, isBound, scopesOfRow, secretHash } from "./handle.ts";
import type { CreateHandleOptions, Handle, HandleParts } from "./handle.ts";
import { newKey } from "./key-text.ts";
import { UseNotes } from "./use-notes.ts";

/** As that of a key: for as long may a handle that was ended in another process still work here. */
const verifiedForMs = 1_000;
/** As that of a key: for as long does a verified handle work while the store is down. */
const outageGraceMs = 900_000;
const memoryLimit = 10_000;
/** For how long a handle that has ended is listed, milliseconds, and whoever uses it is told that it has. */
const endedKeptMs = 90 * 86_400_000;
/** More of one grant are no use to people, and each is in every list. */
const mostOfGrant = 500;

/** Why a handle is not taken. `unknown`: there is none, or it is another caller's. */
export type HandleFlaw = "malformed" | "unknown" | "ended" | "expired";

/** What a handle stands for. */
export interface VerifiedHandle {
  readonly handleId: string;
  readonly grantId: string;
  readonly provider: string;
  /** The largest scopes of a token that it gives; undefined: whatever the grant has. */
  readonly scopes: readonly string[] | undefined;
}

/** The caller that uses a handle: a part of `Caller`. */
export type HandleUser = Pick<Caller, "callerId" | "name" | "session">;

interface Known {
  readonly row: HandleRow;
  readonly verified: VerifiedHandle;
  /** When it was looked up last, whether or not the store answered. */
  readonly at: number;
  /** When the store was asked that has answered: an outage lengthens nothing. */
  readonly readAt: number;
}

/** The handles of all grants: the store keeps only keyed hashes of them. */
export class HandleBook {
  readonly #context: VaultContext;
  readonly #callers: Callers;
  readonly #countRefusal: CountRefusal;
  readonly #known = new Map<string, Known>();
  readonly #uses: UseNotes;

  constructor(context: VaultContext, callers: Callers, countRefusal: CountRefusal) {
    this.#context = context;
    this.#callers = callers;
    this.#countRefusal = countRefusal;
    this.#uses = new UseNotes((id, at) => context.store.noteHandleUse(id, at));
  }

  async create(
    { grantId, provider, scope }: GrantRow,
    { name, forCaller, scopes: asked, expiresInSeconds }: CreateHandleOptions & { readonly forCaller: string },
  ): Promise<{ readonly handle: Handle; readonly secret: Secret }> {
    const { store, keyring, clock } = this.#context;
    const caller = await this.#userOf(grantId, forCaller);
    const scopes = asked === undefined ? undefined : scopesOf(asked);
    const beyond = scopes === undefined ? undefined : this.beyond({ provider, scopes }, scopesIn(scope));
    if (beyond !== undefined) {
      throw invalidRequest(
        `a handle cannot be limited to these scopes: ${whyBeyond(beyond)}, and an access token cannot be narrowed`,
        "allow those as well, or have the person consent to fewer",
        "scopes",
      );
    }
    const now = clock.now();
    const others = await store.handlesOfGrant(grantId);
    if (others.filter((row) => !hasEnded(row, now)).length >= mostOfGrant) {
      throw invalidRequest(`the grant has ${mostOfGrant} handles`, "end those that nobody uses");
    }
    const { id: handleId, secret, key } = newKey("obh");
    const row = bound(keyring, {
      handleId,
      grantId,
      provider,
      callerId: caller.callerId,
      name,
      secretHash: secretHash(keyring, { handleId, secret }),
      scopes: scopes === undefined ? null : JSON.stringify(scopes),
      createdAt: now,
      expiresAt: expiresInSeconds === undefined ? null : now + expiresInSeconds * 1000,
      revokedAt: null,
      lastUsedAt: null,
    });
    await store.insertHandle(row, now - endedKeptMs);
    return { handle: handleOf(row, caller.name), secret: key };
  }

  async list(grantId: string): Promise<Handle[]> {
    const { store } = this.#context;
    const rows = await store.handlesOfGrant(grantId);
    const names = new Map((await this.#callers.list()).map(({ callerId, name }) => [callerId, name]));
    return rows.map((row) => handleOf(row, names.get(row.callerId)));
  }

  async revoke(grantId: string, handleId: string): Promise<Handle> {
    const { store, clock } = this.#context;
    this.#known.clear();
    await store.revokeHandle(grantId, handleId, clock.now());
    const handle = (await this.list(grantId)).find((each) => each.handleId === handleId);
    if (handle === undefined) throw handleNotFound();
    return handle;
  }

  /** What a handle stands for that a caller used within the last second; undefined for any other. It waits for nothing. */
  peek(handle: Secret, { callerId }: HandleUser): VerifiedHandle | undefined {
    const known = this.#known.get(handle.expose());
    if (known === undefined || known.row.callerId !== callerId) return undefined;
    const now = this.#context.clock.now();
    return isRecent(known.at, now, verifiedForMs) && !hasEnded(known.row, now) ? known.verified : undefined;
  }

  /**
   * What a handle stands for, in the hands of a caller. Whether that caller may see its grant is not looked at.
   *
   * @throws {OnbehalfError} `store_unavailable`: the store does not answer, and the handle was not verified lately
   */
  async verify(handle: Secret, caller: HandleUser): Promise<VerifiedHandle | HandleFlaw> {
    const peeked = this.peek(handle, caller);
    if (peeked !== undefined) return peeked;
    const parts = handlePartsOf(handle);
    if (parts === undefined) return this.#refused("malformed", caller);
    // Before the read: a slow one would lengthen the time for which a handle that ends meanwhile still works.
    const at = this.#context.clock.now();
    const { row, readAt } = await this.#row(handle, parts.handleId, at);
    const now = this.#context.clock.now();
    const isOwn = this.#isOf(row, parts, caller.callerId);
    if (row === undefined || !isOwn) return this.#refused("unknown", caller);
    if (hasEnded(row, now)) {
      this.#known.delete(handle.expose());
      return this.#refused(row.revokedAt === null ? "expired" : "ended", caller);
    }
    const { handleId, grantId, provider } = row;
    const verified = { handleId, grantId, provider, scopes: scopesOfRow(row) };
    if (this.#known.size >= memoryLimit) this.#known.clear();
    this.#known.set(handle.expose(), { row, verified, at, readAt });
    this.#uses.note(row.handleId, row.lastUsedAt, now);
    return verified;
  }

  /** The scopes that a token has beyond those that a handle may give; undefined where there are none. */
  beyond(
    { provider, scopes }: Pick<VerifiedHandle, "provider" | "scopes">,
    granted: readonly string[],
  ): readonly string[] | undefined {
    if (scopes === undefined) return undefined;
    return scopesBeyond(scopes, granted, this.#context.protocols.get(provider)?.provider.canonicalScopes);
  }

  /** Resolves when what is known of the last use of handles has been written, or could not be. */
  settled(): Promise<void> {
    return this.#uses.settled();
  }

  /** The caller that a handle is made for: one that may get tokens of its grant without it. */
  async #userOf(grantId: string, name: string): Promise<Caller> {
    const named = (await this.#callers.list()).find((each) => each.name === name && each.revokedAt === undefined);
    const caller = named === undefined ? undefined : await this.#callers.current(named.callerId);
    if (caller?.allow.includes("token") === true && (await this.#sees(caller, grantId))) return caller;
    // One answer for all of it: whoever makes handles learns neither which callers there are nor what they see.
    throw invalidRequest(
      "forCaller must name a caller that may get tokens of this grant",
      "name one with the permission token that sees the grant; onbehalf callers list shows them",
      "forCaller",
    );
  }

  async #sees(caller: Caller, grantId: string): Promise<boolean> {
    try {
      await new Sight(this.#context, new Reach(caller)).find({ grantId });
      return true;
    } catch (error) {
      if (isOnbehalfError(error, "grant_not_found")) return false;
      throw error;
    }
  }

  /** The same work for a handle that is not there, so that the time of the answer does not tell which ids exist. */
  #isOf(row: HandleRow | undefined, parts: HandleParts, callerId: string): boolean {
    const { keyring } = this.#context;
    const compared = row ?? { ...nobodys, handleId: parts.handleId };
    const isSecret = isMac(compared.secretHash, secretHash(keyring, parts));
    const isOurs = isBound(keyring, compared);
    return row !== undefined && isSecret && isOurs && row.callerId === callerId;
  }

  async #row(
    handle: Secret,
    handleId: string,
    now: number,
  ): Promise<{ readonly row: HandleRow | undefined; readonly readAt: number }> {
    const { store, clock } = this.#context;
    try {
      return { row: await store.handleById(handleId), readAt: now };
    } catch (error) {
      const known = this.#known.get(handle.expose());
      const isKnown = known !== undefined && isRecent(known.readAt, clock.now(), outageGraceMs);
      if (!isKnown || !isOnbehalfError(error, "store_unavailable")) throw error;
      return { row: known.row, readAt: known.readAt };
    }
  }

  #refused(flaw: HandleFlaw, { name, session }: HandleUser): HandleFlaw {
    const who = { caller: name, ...defined({ sessionId: session?.sessionId }) };
    this.#countRefusal(who, "request.denied", `handle_${flaw}`);
    return flaw;
  }
}

function hasEnded({ revokedAt, expiresAt }: HandleRow, now: number): boolean {
  return revokedAt !== null || (expiresAt ?? Infinity) <= now;
}

const nobodys: HandleRow = {
  handleId: "",
  grantId: "g_".padEnd(24, "0"),
  provider: "google",
  callerId: "0".repeat(16),
  name: "reports",
  secretHash: new Uint8Array(32),
  scopes: null,
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
  rightsMac: new Uint8Array(32),
};
