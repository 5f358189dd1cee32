import { defined } from "../../../core/defined.ts";
import { handleBody } from "../../../service/http/json-bodies.ts";
import { keyOnce } from "../../callers/key-once.ts";
import { openWithClient } from "../../open-vault.ts";
import { printJson, printLines, say } from "../../terminal/print.ts";
import { refOf } from "../ref.ts";
import type { RefFlags } from "../ref.ts";

/** The command's flags. */
export interface CreateFlags extends RefFlags {
  readonly caller: string;
  readonly name: string;
  readonly scopes?: string;
  /** Milliseconds. */
  readonly expires?: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** Makes a handle. No other command ever shows it. */
export async function create(text: string, flags: CreateFlags): Promise<void> {
  const ref = refOf(text, flags);
  const { caller, name, scopes, expires, out } = flags;
  const { handle, shown } = await keyOnce(out, async () => {
    await using vault = await openWithClient(flags);
    const made = await vault.handles.create(ref, {
      name,
      forCaller: caller,
      ...defined({
        scopes: scopes?.split(/[\s,]+/).filter((each) => each !== ""),
        expiresInSeconds: expires === undefined ? undefined : Math.ceil(expires / 1_000),
      }),
    });
    return { ...made, key: made.secret };
  });
  if (flags.json === true) {
    printJson({ ...handleBody(handle), ...defined({ handle: shown.key, handle_file: shown.key_file }) });
    return;
  }
  const until = handle.expiresAt === undefined ? "until it is ended" : `until ${handle.expiresAt.toISOString()}`;
  const where = out === undefined ? "" : `; it is in ${out}, and is never shown again`;
  say(`handle ${handle.handleId} gives ${caller} tokens of ${handle.grantId} ${until}${where}`);
  if (shown.key !== undefined) printLines([shown.key]);
}
