/** What every command takes that asks Google about the stream. */
export interface RiscFlags {
  readonly json?: boolean;
  readonly serviceAccountFile: string;
  readonly googleBaseUrl?: string;
  readonly publicUrl?: string;
}
