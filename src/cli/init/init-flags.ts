/** The flags of `onbehalf init`. */
export interface InitFlags {
  readonly clientSecretFile?: string;
  /** True: at its usual address. */
  readonly standin?: string | true;
  readonly dir?: string;
  readonly store?: string;
  readonly publicUrl?: string;
  readonly origin?: string;
  readonly port?: number;
  readonly caller?: string;
  readonly allow?: string;
  readonly json?: boolean;
}
