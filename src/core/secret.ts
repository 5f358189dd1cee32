/**
 * Wraps a token, a code or a key from the moment it enters, so that no log, error or dump can print it.
 * `expose()` is the one word to look for in a review.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Hand it to the wire or to a cipher, nowhere else. */
  expose(): string {
    return this.#value;
  }

  toJSON(): string {
    return "[secret]";
  }

  toString(): string {
    return "[secret]";
  }

  static {
    // What `util.inspect`, and so `console.log`, asks an object for.
    const inspect = Symbol.for("nodejs.util.inspect.custom");
    Object.defineProperty(Secret.prototype, inspect, { value: () => "[secret]" });
  }
}
