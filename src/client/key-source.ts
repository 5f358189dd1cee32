/** Where the caller's key comes from, and when it is read again. */
import { configurationInvalid, isOnbehalfError } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import { SingleFlight } from "../core/single-flight.ts";
import { flawInKey, isSecret } from "./options.ts";
import type { CallerKey } from "./options.ts";

/** Gives the key that requests are sent with. */
export class KeySource {
  readonly #given: CallerKey;
  readonly #onChange: () => void;
  readonly #reading = new SingleFlight<"read", Secret>();
  #key: Secret | undefined;

  /** @param onChange called where another key takes the place of one that was used */
  constructor(given: CallerKey, onChange: () => void) {
    this.#given = given;
    this.#onChange = onChange;
  }

  /** @throws {OnbehalfError} `configuration_invalid`: there is no key, or it is none */
  async current(): Promise<Secret> {
    return this.#key ?? this.#read();
  }

  /**
   * Reads the key again, because the service has refused one. Of many who were refused with it, one reads.
   *
   * @returns undefined where there is no other
   * @throws {OnbehalfError} `configuration_invalid`
   */
  async after(refused: Secret): Promise<Secret | undefined> {
    if (typeof this.#given !== "function") return undefined;
    const key = this.#key === refused || this.#key === undefined ? await this.#read() : this.#key;
    return key.expose() === refused.expose() ? undefined : key;
  }

  #read(): Promise<Secret> {
    return this.#reading.do("read", async () => {
      const key = await this.#ask();
      const before = this.#key;
      if (before?.expose() === key.expose()) return before;
      this.#key = key;
      if (before !== undefined) this.#onChange();
      return key;
    });
  }

  async #ask(): Promise<Secret> {
    let given: unknown = this.#given;
    if (typeof this.#given === "function") {
      try {
        given = await this.#given();
      } catch (cause) {
        if (isOnbehalfError(cause)) throw cause;
        throw configurationInvalid(
          "the function that gives the caller's key failed",
          "look at what it threw: cause",
          cause,
        );
      }
    }
    // A key that is read from a file or printed by a program usually ends with a line end.
    const text = isSecret(given) ? given.expose() : given;
    const key = typeof text === "string" ? text.replace(/\r?\n$/, "") : text;
    const flaw = flawInKey(key);
    if (flaw !== undefined) throw configurationInvalid(`the caller's key ${flaw[0]}`, flaw[1]);
    return new Secret(key as string);
  }
}

/** A key in a file, as a function that reads it. */
export function keyInFile(path: string): () => Promise<string> {
  return async () => {
    // Loaded where it is needed: runtimes without files have the rest.
    const { readSmallFile } = await import("../local/small-file.ts");
    const file = readSmallFile(path);
    if ("text" in file) return file.text;
    throw configurationInvalid(
      `keyFile ${file.problem}`,
      file.hint ?? "name the file with the caller's key",
      file.cause,
    );
  };
}
