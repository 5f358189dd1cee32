/**
 * Wraps a token, a code or a key from the moment it enters, so that no log, error or dump can print it: as text, as
 * JSON and in `console.log` it is `[secret]`. In a review, look for `expose()`: only that gives the value.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Wraps what may be wrapped already. */
  static of(given: string | Secret): Secret {
    return typeof given === "string" ? new Secret(given) : given;
  }

  /** The value itself. Give it to the request that needs it or to a cipher, and to nothing else. */
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
    // `util.inspect`, and so `console.log`, calls the method of this name.
    const inspect = Symbol.for("nodejs.util.inspect.custom");
    Object.defineProperty(Secret.prototype, inspect, { value: () => "[secret]" });
  }
}

/** A refresh token that works only with proofs of one key (RFC 9449). */
export class BoundToken extends Secret {
  /** The key's thumbprint (RFC 7638). */
  readonly boundTo: string;

  constructor(value: string, boundTo: string) {
    super(value);
    this.boundTo = boundTo;
  }
}
