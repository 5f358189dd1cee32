/**
 * What a data key is for. Refresh tokens have a class of their own, so that a process that serves reads need not be
 * able to open them. `index` keys make keyed hashes; `assertion` keys sign sign-in assertions.
 */
export type KeyClass = "refresh" | "read" | "index" | "assertion";

/** Every column that holds sealed values, as `table.column`. */
export type SealedColumn =
  | "grants.profile"
  | "grants.access_token"
  | "grants.refresh_token"
  | "intakes.context"
  | "intakes.answer"
  | "orphans.answer"
  | "rescue.answer";

/**
 * The class of data key that seals each column. The names are part of what is authenticated: under another name,
 * nothing that was sealed before would open.
 */
export const sealedColumns: Readonly<Record<SealedColumn, KeyClass>> = {
  "grants.profile": "read",
  "grants.access_token": "read",
  "grants.refresh_token": "refresh",
  "intakes.context": "refresh",
  "intakes.answer": "refresh",
  "orphans.answer": "refresh",
  "rescue.answer": "refresh",
};

/** Where a sealed value lives within one store. It opens nowhere else: not in another row, column, client or generation. */
export interface SealedPlace {
  readonly clientId: string;
  readonly column: SealedColumn;
  readonly recordId: string;
  /** 0 where the value does not change with the grant's generation. */
  readonly generation: number;
}

/** The same for a data key, which its master key seals. */
export interface WrappedKeyPlace {
  readonly clientId: "";
  readonly column: `data_keys.${string}`;
  readonly recordId: string;
  readonly generation: 0;
}
