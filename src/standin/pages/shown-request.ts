/** The parts of an authorization request that a page shows, or carries along. */
export interface ShownRequest {
  readonly client: { readonly name: string };
  readonly loginHint: string | undefined;
  /** The query as it came. */
  readonly query: string;
}
