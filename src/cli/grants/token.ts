import { defined } from "../../core/defined.ts";
import { tokenBody } from "../../service/http/json-bodies.ts";
import { printLines } from "../terminal/print.ts";
import { openWithClient } from "../open-vault.ts";
import { refOf } from "./ref.ts";
import type { RefFlags } from "./ref.ts";

interface Flags extends RefFlags {
  readonly minTtlSeconds?: number;
  readonly refused?: string;
  readonly json?: boolean;
}

/** Prints a valid access token, and nothing else, so that a script can use it. */
export async function token(text: string, flags: Flags): Promise<void> {
  const ref = refOf(text, flags);
  await using vault = await openWithClient(flags);
  const { minTtlSeconds, refused } = flags;
  const given = await vault.getAccessToken(ref, defined({ minTtlSeconds, refused }));
  printLines([flags.json === true ? tokenBody(given, vault.clock.now()) : given.token]);
}
