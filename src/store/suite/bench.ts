import type { TestContext } from "node:test";
import type { Store } from "../store.ts";

/** What a store without a clock of its own goes by in these tests, milliseconds since the epoch. */
export const suiteTime = 1_800_000_000_000;

/** Opens stores for a test, and closes them after it. */
export class Bench {
  readonly #open: (t: TestContext) => Promise<Store>;
  readonly #again: ((first: Store) => Store | Promise<Store>) | undefined;

  constructor(open: (t: TestContext) => Promise<Store>, again: ((first: Store) => Store | Promise<Store>) | undefined) {
    this.#open = open;
    this.#again = again;
  }

  async store(t: TestContext): Promise<Store> {
    const close = closing(t);
    return opened(await this.#open(t), close);
  }

  /** Two handles on the same data; the same one twice where it cannot be shared. */
  async pair(t: TestContext): Promise<readonly [Store, Store]> {
    const close = closing(t);
    const first = await opened(await this.#open(t), close);
    return [first, this.#again === undefined ? first : await opened(await this.#again(first), close)];
  }
}

/** Stores to close after the test. Registered first, so that they are closed before their data is cleaned away. */
function closing(t: TestContext): Store[] {
  const stores: Store[] = [];
  t.after(() => Promise.all(stores.map((store) => store.close())));
  return stores;
}

async function opened(store: Store, close: Store[]): Promise<Store> {
  await store.open({ clock: { now: () => suiteTime } });
  close.push(store);
  return store;
}
