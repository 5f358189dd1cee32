import { generateKeyPairSync } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { startStandin } from "../../src/standin/index.ts";
import type { Standin, StandinOptions } from "../../src/standin/index.ts";

let signingKey: KeyObject | undefined;

/**
 * Starts a stand-in that signs with the key of all other stand-ins in this process: a key of its own for each took
 * longer than the tests themselves.
 */
export function testStandin(options: StandinOptions = {}): Promise<Standin> {
  signingKey ??= generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey;
  return startStandin({ signingKey, ...options });
}
