import { InvalidArgumentError, Option } from "commander";
import type { AuditLogHead } from "../../index.ts";

/** An option that takes what `audit head` prints: `118:3f9a…`. */
export function headOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text: string): AuditLogHead => {
    const [, seq, hash] = /^(\d{1,15}):([\da-f]{64}|)$/.exec(text.trim()) ?? [];
    if (seq === undefined || hash === undefined) {
      throw new InvalidArgumentError("give it as audit head prints it: a number, a colon, and 64 hex digits");
    }
    return { seq: Number(seq), hash };
  });
}
