import type { Store, StoreNote } from "../../store/store.ts";
import { keyStatusOf } from "./master-key-rotation.ts";
import type { KeyStatus } from "./master-key-rotation.ts";
import { storeEpoch } from "./store-standing.ts";
import type { StoreStanding } from "./store-standing.ts";

/** What an open store says of itself. Nothing in it is secret. */
export interface StoreStatus {
  readonly kind: Store["kind"];
  readonly location: string;
  /** The last migration that was applied. */
  readonly schema: string | undefined;
  readonly notes: readonly StoreNote[];
  /** Which master keys wrap its data keys. Those that wrap one are given, and open it: otherwise no vault would be open over it. */
  readonly keys: KeyStatus;
  /** How many events wait for their delivery, and how many were given up. */
  readonly deliveries: Awaited<ReturnType<Store["deliveryCounts"]>>;
  readonly callers: Awaited<ReturnType<Store["listCallers"]>>;
  /** Whether it stands still, because it is a restored backup or a copy. */
  readonly standing: StoreStanding;
}

/** @throws {OnbehalfError} `store_unavailable` */
export async function storeStatus(store: Store): Promise<StoreStatus> {
  const { applied } = await store.migrations();
  const keys = await keyStatusOf(store, []);
  return {
    kind: store.kind,
    location: store.location,
    schema: applied.at(-1),
    notes: store.notes?.() ?? [],
    keys: {
      ...keys,
      masterKeys: keys.masterKeys.map(({ masterKeyId, wraps }) => ({ masterKeyId, wraps, given: true })),
      dataKeys: keys.dataKeys.map((key) => Object.assign(key, { opens: true })),
    },
    deliveries: await store.deliveryCounts(),
    callers: await store.listCallers(),
    standing: await storeEpoch.standing(store),
  };
}
