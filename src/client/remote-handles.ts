/** Handles of grants over HTTP. */
import { assertFits, required, text } from "../core/argument-checks.ts";
import type { GrantRef } from "../core/grant.ts";
import { Secret } from "../core/secret.ts";
import type { CreateHandleOptions, Handle, VaultVerbs } from "../index.ts";
import { handleIn } from "./answers.ts";
import { Members } from "./members.ts";
import { grantPath } from "./paths.ts";
import { membersOf } from "./sent-options.ts";
import type { Sending, ServiceLine } from "./service-line.ts";

type HandleVerbs = VaultVerbs["handles"];

/** Makes, lists and ends handles of the grants that the key may see; each verb throws what that of `Vault.handles` throws. */
export class RemoteHandles implements HandleVerbs {
  readonly #line: ServiceLine;
  readonly #sending: Sending;

  /** @internal Use `RemoteVault.handles`. */
  constructor(line: ServiceLine, sending: Sending) {
    this.#line = line;
    this.#sending = sending;
  }

  /**
   * Makes a handle. It is sent again only where nothing has arrived: a handle whose answer was lost would go on to work. Such a one
   * is in the list, and can be ended.
   */
  async create(
    ref: GrantRef,
    options: CreateHandleOptions,
  ): Promise<{ readonly handle: Handle; readonly secret: Secret }> {
    const path = grantPath(ref, "/handles");
    const body = membersOf("handles.create", options);
    const sending = { ...this.#sending, isOnce: true };
    return this.#line.ask(
      { method: "POST", path, body },
      (answer) => {
        const secret = new Secret(new Members(answer.body).text("handle"));
        return { handle: handleIn(answer.body), secret };
      },
      sending,
    );
  }

  /** The handles of a grant, the oldest first. */
  async list(ref: GrantRef): Promise<Handle[]> {
    const path = grantPath(ref, "/handles");
    const read = (body: unknown): Handle[] => new Members(body).list("handles").map(handleIn);
    return this.#line.ask({ method: "GET", path }, (answer) => read(answer.body), this.#sending);
  }

  /** Ends a handle. One that was ended before stays as it is. */
  async revoke(ref: GrantRef, handleId: string): Promise<Handle> {
    assertFits("handleId", handleId, required(text));
    const path = grantPath(ref, `/handles/${encodeURIComponent(handleId)}`);
    return this.#line.ask({ method: "DELETE", path }, (answer) => handleIn(answer.body), this.#sending);
  }
}
