import { defined } from "../../core/defined.ts";
import { printJson, printLines, say } from "../terminal/print.ts";
import { openWithoutClient } from "../open-vault.ts";
import { keyOnce } from "./key-once.ts";

interface Flags {
  /** Milliseconds. */
  readonly overlap: number;
  /** Milliseconds. */
  readonly expires?: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** Gives a caller a new key, and lets the one of before work for a while. */
export async function rotate(name: string, flags: Flags): Promise<void> {
  const expiresAt = flags.expires === undefined ? undefined : new Date(Date.now() + flags.expires);
  const { out } = flags;
  const { caller, shown } = await keyOnce(out, async () => {
    await using vault = await openWithoutClient(flags);
    return await vault.callers.rotate(name, { overlapMs: flags.overlap, ...defined({ expiresAt }) });
  });
  const { callerId, previousKeyUntil } = caller;
  if (flags.json === true) {
    printJson({
      name,
      caller_id: callerId,
      ...shown,
      expires_at: caller.expiresAt,
      previous_key_until: previousKeyUntil,
    });
  } else if (out === undefined) printLines([shown.key ?? ""]);
  const old = previousKeyUntil === undefined ? "has ended" : `works until ${previousKeyUntil.toISOString()}`;
  const until = caller.expiresAt === undefined ? "until it is revoked" : `until ${caller.expiresAt.toISOString()}`;
  say(
    `the new key of ${name} works ${until}${out === undefined ? "" : `, is in ${out}`} and is never shown again; the one before ${old}`,
  );
}
