import { readFileSync } from "node:fs";
import type { McpStandin } from "../../src/standin/index.ts";
import { tokensInFile } from "./consent.ts";
import type { TokenFile } from "./file-provider.ts";

/** The people whose tokens are in files, who consent again where these are of no use any more. */
export class ConsentsInFiles {
  /** How often somebody had to be asked again. */
  asked = 0;
  readonly #standin: McpStandin;
  readonly #clientId: string;
  readonly #people: readonly string[];
  readonly #paths: readonly string[];
  readonly #consenting = new Set<number>();

  constructor(standin: McpStandin, clientId: string, people: readonly string[], paths: readonly string[]) {
    this.#standin = standin;
    this.#clientId = clientId;
    this.#people = people;
    this.#paths = paths;
  }

  async consent(at: number): Promise<void> {
    const [person = "", path = ""] = [this.#people[at], this.#paths[at]];
    await tokensInFile(this.#standin, { path, email: `${person}@files.example`, clientId: this.#clientId });
  }

  /** Told that a call failed for want of authorization. Where the file has tokens, another process has got some since. */
  async again(at: number): Promise<void> {
    if (this.#consenting.has(at) || this.#hasTokens(at)) return;
    this.#consenting.add(at);
    this.asked += 1;
    await this.consent(at).finally(() => this.#consenting.delete(at));
  }

  #hasTokens(at: number): boolean {
    try {
      return (JSON.parse(readFileSync(this.#paths[at] ?? "", "utf8")) as TokenFile).tokens !== undefined;
    } catch {
      // Whoever was killed while writing it has left half of it.
      return false;
    }
  }
}
