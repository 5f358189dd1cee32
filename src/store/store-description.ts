import type { Store } from "./store.ts";

/**
 * What a store was made of, as data: another process can make the same one of it. It may hold a password, so it must not
 * stand where somebody prints it.
 */
export type StoreDescription =
  | { readonly kind: "sqlite"; readonly path: string; readonly patienceMs: number }
  | {
      readonly kind: "postgres";
      readonly connectionString: string;
      readonly directConnectionString: string;
      readonly poolSize: number;
    };

// By the store itself: a copy of one, with a method of the app's own, is another store.
const descriptions = new WeakMap<Store, StoreDescription>();

/** Says what a store was made of. */
export function describeStore(store: Store, description: StoreDescription): Store {
  descriptions.set(store, description);
  return store;
}

/** Undefined: the store is none of ours, or was changed after it was made. */
export function descriptionOfStore(store: Store): StoreDescription | undefined {
  return descriptions.get(store);
}
