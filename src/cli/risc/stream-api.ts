/** What a transmitter's API of streams can do, whichever it has. */
export interface StreamApi {
  /** What people call the transmitter. */
  readonly name: string;
  /**
   * Has events delivered to this address. The same again changes nothing.
   *
   * @returns which events, and `aud` of what comes, where the transmitter says it
   */
  register(url: string): Promise<Registered>;
  /** Where events go, and whether they do. */
  status(): Promise<StreamStatus>;
  /** Asks for a verification with this state. */
  verify(state: string): Promise<void>;
}

export interface Registered {
  readonly eventsRequested: readonly string[];
  /** What the transmitter calls us in what it sends. */
  readonly audience?: readonly string[];
}

export interface StreamStatus extends Registered {
  readonly url: string;
  readonly status: string;
}

/** The texts of a list; of anything else none. */
export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : [];
}
