/** What every command takes that asks a transmitter about the stream. */
export interface RiscFlags {
  readonly json?: boolean;
  readonly serviceAccountFile?: string;
  readonly provider?: string;
  readonly tokenFile?: string;
}
