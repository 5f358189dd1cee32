/** Opened data keys on their way to a process that is given no others. */
export interface HandedDownKeys {
  /** The store's own name, to which everything sealed is bound. */
  readonly instance: string;
  readonly keys: readonly {
    readonly keyId: number;
    readonly keyClass: string;
    /** The key itself, in base64. */
    readonly bytes: string;
  }[];
}
