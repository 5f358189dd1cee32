/** The state of every grant in typed arrays: what the database holds, what services hold in memory, what the provider gave. */

/** No attempt stands on a grant. */
export const noAttempt = -1;

export class Grants {
  readonly count: number;
  /** When the access token was asked for, milliseconds since the run began; before it where negative. */
  readonly issuedAt: Float64Array;
  /** The generation that the database holds. */
  readonly generation: Uint16Array;
  /** Which attempt stands on it, or {@link noAttempt}. */
  readonly attempt: Int32Array;
  /** Which refresh token the database holds, by its number at the provider. */
  readonly stored: Uint16Array;
  /** Which refresh token of it the provider gave last. */
  readonly newest: Uint16Array;
  /** When it gave that one, seconds since the run began. */
  readonly rotatedAt: Int32Array;
  /** The generation whose token was answered with tokens last, plus one; 0: none. */
  readonly answered: Uint16Array;
  /** Which services hold its token in memory; a bit for each. */
  readonly held: Uint32Array;
  /** Of those, which have handed it out since it was passed over for eviction. */
  readonly used: Uint32Array;
  /** Of those, which hold the token of the generation before, because they have not seen the change yet. */
  readonly stale: Uint32Array;
  /** In which hour it was asked for last, plus one, and 128 where its present token was handed out. */
  readonly asked: Uint8Array;

  constructor(count: number) {
    this.count = count;
    this.issuedAt = new Float64Array(count);
    this.generation = new Uint16Array(count).fill(1);
    this.attempt = new Int32Array(count).fill(noAttempt);
    this.stored = new Uint16Array(count);
    this.newest = new Uint16Array(count);
    this.rotatedAt = new Int32Array(count);
    this.answered = new Uint16Array(count);
    this.held = new Uint32Array(count);
    this.used = new Uint32Array(count);
    this.stale = new Uint32Array(count);
    this.asked = new Uint8Array(count);
  }

  get bytes(): number {
    return Object.values(this).reduce<number>(
      (sum, value) => sum + (ArrayBuffer.isView(value) ? value.byteLength : 0),
      0,
    );
  }
}
