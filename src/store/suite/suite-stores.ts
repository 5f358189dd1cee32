import type { TestContext } from "node:test";
import type { Store } from "../store.ts";

/** The time in these tests for a store whose database has none of its own, milliseconds since the epoch. */
export const suiteTime = 1_800_000_000_000;

/** Opens stores for a test, each on data of its own, and closes them after it. */
export class SuiteStores {
  readonly #make: (t: TestContext) => Promise<Store>;
  readonly #again: ((first: Store) => Store | Promise<Store>) | undefined;

  constructor(make: (t: TestContext) => Promise<Store>, again: ((first: Store) => Store | Promise<Store>) | undefined) {
    this.#make = make;
    this.#again = again;
  }

  async open(t: TestContext): Promise<Store> {
    const toClose = closedAfter(t);
    return openAndKeep(await this.#make(t), toClose);
  }

  /** Opens two handles on the same data; returns the same one twice where the data cannot be shared. */
  async openPair(t: TestContext): Promise<readonly [Store, Store]> {
    const toClose = closedAfter(t);
    const first = await openAndKeep(await this.#make(t), toClose);
    return [first, this.#again === undefined ? first : await openAndKeep(await this.#again(first), toClose)];
  }
}

/** Stores to close after the test. Registered first, so that they are closed before their data is cleaned away. */
function closedAfter(t: TestContext): Store[] {
  const stores: Store[] = [];
  t.after(() => Promise.all(stores.map((store) => store.close())));
  return stores;
}

async function openAndKeep(store: Store, toClose: Store[]): Promise<Store> {
  await store.open({ clock: { now: () => suiteTime } });
  toClose.push(store);
  return store;
}
