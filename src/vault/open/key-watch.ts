import { keyPollMs } from "../../core/data-keys.ts";
import { isOnbehalfError } from "../../core/errors.ts";
import type { Owner } from "../../core/take-over.ts";
import { highestKeyId } from "../../crypto/wrapped-keys.ts";
import type { Keyring } from "../../crypto/keyring.ts";
import type { StoredKeys } from "../../store/key-store.ts";
import type { Store } from "../../store/store.ts";
import { onBeat } from "../beat.ts";
import type { DataKeys, OnFault } from "../context.ts";
import type { OnEvent } from "../events.ts";
import type { KeyOpener } from "./key-opener.ts";

/** What a {@link KeyWatch} needs. */
export interface KeyWatchOptions {
  readonly store: Store;
  readonly keyring: Keyring;
  /** The data keys as they were read for the keyring. */
  readonly stored: StoredKeys;
  readonly opener: KeyOpener;
  readonly owner: Owner;
  readonly emit: OnEvent;
  readonly onFault: OnFault;
}

/**
 * Keeps an open keyring as the store has its data keys: it looks every {@link keyPollMs}, and at once where a value is met
 * under a key that is not here. While keys change, it notes in the store which of them this process knows.
 */
export class KeyWatch implements DataKeys {
  readonly keyring: Keyring;
  readonly #options: KeyWatchOptions;
  #stored: StoredKeys;
  #isNoted = false;
  /** At which revision an event has told that a key does not open here. */
  #toldAt = -1;
  #looking: Promise<void> | undefined;
  #end: (() => void) | undefined;

  constructor(options: KeyWatchOptions) {
    this.#options = options;
    this.keyring = options.keyring;
    this.#stored = options.stored;
  }

  /** The data keys as this process has them. */
  get stored(): StoredKeys {
    return this.#stored;
  }

  /** Whether keys are being replaced, as far as this process knows. */
  get isChanging(): boolean {
    return this.#stored.keys.some(({ state }) => state === "next" || state === "previous");
  }

  /** Begins to look. */
  async start(): Promise<void> {
    this.keyring.onUnknownKey = () => void this.look();
    this.#end = onBeat(keyPollMs, () => void this.look());
    if (this.isChanging) await this.look();
  }

  /** Reads the data keys again. Never rejects: what fails is tried again at the next look. */
  async look(): Promise<void> {
    // One that is under way may have read before the key was added that somebody has just met.
    if (this.#looking !== undefined) return this.#looking.then(() => this.#again());
    return this.#again();
  }

  /** Ends the looking, and what the store knows of this process. */
  async close(): Promise<void> {
    this.#end?.();
    this.keyring.onUnknownKey = undefined;
    await this.#looking;
    const { store, owner } = this.#options;
    if (this.#isNoted) await store.dropKeyReader(owner).catch(() => undefined);
  }

  #again(): Promise<void> {
    this.#looking ??= this.#read()
      .catch((error: unknown) => {
        // Others tell that the store or the keeper does not answer.
        if (isOnbehalfError(error, "store_unavailable") || isOnbehalfError(error, "keeper_unavailable")) return;
        if (!isOnbehalfError(error)) this.#options.onFault(error, "data keys");
        else this.#tell(error.message);
      })
      .finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #read(): Promise<void> {
    const { store, owner } = this.#options;
    const looked = this.keyring.takeUnknown();
    const stored = await store.readKeys();
    // Without its keys the store is lost, and a restart says so. Until then those that are here serve.
    if (stored === undefined || stored.instance !== this.#stored.instance) return;
    try {
      if (looked.size > 0 || !isSame(stored, this.#stored)) {
        this.keyring.replaceKeys(await this.#options.opener.open(stored), highestKeyId(stored.keys), looked);
        this.#stored = stored;
      }
    } finally {
      // Also where a key does not open here: that this process is behind holds up what it could not follow.
      const isBehind = this.#stored.revision < stored.revision;
      if (this.isChanging || this.#isNoted || isBehind) {
        await store.noteKeyReader({ owner, revision: this.#stored.revision, seenAt: await store.now() });
        this.#isNoted = true;
      }
    }
  }

  /** Once for each change of the keys: the same is met at every look. */
  #tell(message: string): void {
    const { revision } = this.#stored;
    if (this.#toldAt === revision) return;
    this.#toldAt = revision;
    this.#options.emit({ type: "data_keys_closed", message });
  }
}

function isSame(one: StoredKeys, other: StoredKeys): boolean {
  const text = ({ revision, keys }: StoredKeys): string =>
    JSON.stringify([revision, keys.map(({ keyId, state, masterKeyId }) => [keyId, state, masterKeyId])]);
  return text(one) === text(other);
}
