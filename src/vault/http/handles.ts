import {
  assertFits,
  assertGrantRef,
  assertOptions,
  filledText,
  required,
  text,
  texts,
} from "../../core/argument-checks.ts";
import type { Rule } from "../../core/argument-checks.ts";
import { defined } from "../../core/defined.ts";
import { invalidRequest } from "../../core/errors.ts";
import type { GrantRef } from "../../core/grant.ts";
import type { Secret } from "../../core/secret.ts";
import { actingAs } from "../context.ts";
import type { AuditPrincipal } from "../../store/audit-store.ts";
import type { GrantRow } from "../../store/grant-row.ts";
import type { HandleBook, HandleFlaw, HandleUser, VerifiedHandle } from "./handle-book.ts";
import type { CreateHandleOptions, Handle } from "./handle.ts";

export type { CreateHandleOptions, Handle } from "./handle.ts";
export type { VerifiedHandle } from "./handle-book.ts";

const longestSeconds = 315_360_000;

const lifeSeconds: Rule = {
  fits: (value) => Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= longestSeconds,
  must: `a whole number of seconds from 1 to ${longestSeconds}`,
};

const rules = { name: required(text), forCaller: filledText, scopes: texts, expiresInSeconds: lifeSeconds };

/** Somebody who makes handles: which grants they see, and by which name the audit log knows them. */
interface Maker {
  readonly find: (ref: GrantRef) => Promise<GrantRow>;
  readonly principal: () => AuditPrincipal | undefined;
}

/** Makes, lists and ends handles of the grants that somebody sees. */
export class Handles {
  readonly #book: HandleBook;
  readonly #maker: Maker;

  /** @internal Use `Vault.handles`. */
  constructor(book: HandleBook, maker: Maker) {
    this.#book = book;
    this.#maker = maker;
  }

  /**
   * Makes a handle: what one caller sends to the token endpoint in the place of a refresh token. It is returned here and
   * never again. It gives what that caller may get without it, and nothing to anybody else.
   *
   * @throws {OnbehalfError} `invalid_request`: an option is not what it must be, no such caller may get tokens of this
   *   grant, or the grant holds scopes beyond those that the handle may give
   * @throws {OnbehalfError} `grant_not_found`, `ambiguous_grant`, `grant_unreadable`, `store_unavailable`
   */
  async create(
    ref: GrantRef,
    options: CreateHandleOptions,
  ): Promise<{ readonly handle: Handle; readonly secret: Secret }> {
    assertGrantRef(ref);
    assertOptions("create", options, rules);
    const { name, forCaller } = options;
    if (!/^[\w.-]{1,64}$/.test(name)) {
      throw invalidRequest(
        "the handle's name must be 1 to 64 letters, digits, and . _ -",
        "choose another name",
        "name",
      );
    }
    if (forCaller === undefined) {
      throw invalidRequest("forCaller is missing", "name the caller that will use the handle", "forCaller");
    }
    const row = await this.#maker.find(ref);
    return actingAs(this.#maker.principal(), () => this.#book.create(row, { ...options, forCaller }));
  }

  /**
   * The handles of a grant, the oldest first. Those that have ended are kept for 90 days.
   *
   * @throws {OnbehalfError} `invalid_request`, `grant_not_found`, `ambiguous_grant`, `grant_unreadable`,
   *   `store_unavailable`
   */
  async list(ref: GrantRef): Promise<Handle[]> {
    assertGrantRef(ref);
    return this.#book.list((await this.#maker.find(ref)).grantId);
  }

  /**
   * Ends a handle. In other processes it may still work for a second. One that was ended before stays as it is.
   *
   * @returns the handle as it is then
   * @throws {OnbehalfError} `handle_not_found`: the grant has no such handle
   * @throws {OnbehalfError} `invalid_request`, `grant_not_found`, `ambiguous_grant`, `grant_unreadable`,
   *   `store_unavailable`
   */
  async revoke(ref: GrantRef, handleId: string): Promise<Handle> {
    assertGrantRef(ref);
    assertFits("handleId", handleId, required(filledText));
    const { grantId } = await this.#maker.find(ref);
    return actingAs(this.#maker.principal(), () => this.#book.revoke(grantId, handleId));
  }
}

/** The handles that a caller makes, lists and ends, and those that it uses itself. */
export class CallerHandles extends Handles {
  readonly #book: HandleBook;
  readonly #caller: HandleUser;

  /** @internal Use `CallerView.handles`. */
  constructor(book: HandleBook, maker: Maker, caller: HandleUser) {
    super(book, maker);
    this.#book = book;
    this.#caller = caller;
  }

  /** Makes a handle; see `Vault.handles`. It is for the caller itself, where no other is named. */
  override async create(ref: GrantRef, options: CreateHandleOptions): ReturnType<Handles["create"]> {
    return super.create(ref, { forCaller: this.#caller.name, ...defined(options) });
  }

  /** {@link verify}, for a handle that the caller used within the last second; undefined for any other. It waits for nothing. */
  peek(handle: Secret): VerifiedHandle | undefined {
    return this.#book.peek(handle, this.#caller);
  }

  /**
   * What a handle stands for in the hands of the caller, or why it is not taken. Whether the caller may see its grant is
   * not looked at.
   *
   * @throws {OnbehalfError} `store_unavailable`: the store does not answer, and the handle was not verified lately
   */
  async verify(handle: Secret): Promise<VerifiedHandle | HandleFlaw> {
    return this.#book.verify(handle, this.#caller);
  }

  /** The scopes of a token that are beyond those which a handle may give; undefined where none are. */
  beyond(handle: VerifiedHandle, granted: readonly string[]): readonly string[] | undefined {
    return this.#book.beyond(handle, granted);
  }
}
