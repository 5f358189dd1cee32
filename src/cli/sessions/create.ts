import { defined } from "../../core/defined.ts";
import { selectorForms } from "../../core/reach.ts";
import { keyOnce } from "../callers/key-once.ts";
import { openWithClient, openWithoutClient } from "../open-vault.ts";
import { permissionOf, selectorOf } from "../selector-flags.ts";
import { printJson, printLines, say } from "../terminal/print.ts";
import { UsageError } from "../terminal/usage-error.ts";

/** The command's flags. */
export interface CreateFlags {
  readonly allow?: readonly string[];
  readonly grants?: readonly string[];
  readonly provider?: readonly string[];
  readonly scope?: readonly string[];
  /** Milliseconds. */
  readonly expires?: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** Makes a session of a caller. No other command ever shows its key. */
export async function create(name: string, flags: CreateFlags): Promise<void> {
  const { provider: providers, scope: scopes, expires, out } = flags;
  if (flags.allow === undefined) {
    throw new UsageError(
      "--allow is missing: a key may do only what is named",
      "give what the program needs, such as --allow token",
    );
  }
  if (flags.grants === undefined) {
    throw new UsageError("--grants is missing: a session sees only what is named", `give selectors: ${selectorForms}`);
  }
  const allow = flags.allow.map(permissionOf);
  const grants = flags.grants.map(selectorOf);
  const expiresInSeconds = expires === undefined ? undefined : expires / 1_000;
  const { session, shown } = await keyOnce(out, async () => {
    // Which grants the caller sees, a vault without clients cannot tell: none of them is its own.
    const open = grants.some((each) => each.startsWith("g_")) ? openWithClient : openWithoutClient;
    await using vault = await open(flags);
    return await vault.sessions.create(name, { allow, grants, ...defined({ providers, scopes, expiresInSeconds }) });
  });
  const { sessionId, expiresAt } = session;
  if (flags.json === true) {
    printJson({
      session_id: sessionId,
      caller: name,
      ...shown,
      allow,
      grants,
      providers,
      scopes,
      expires_at: expiresAt,
    });
  } else if (out === undefined) printLines([shown.key ?? ""]);
  say(
    `the session ${sessionId} of ${name} may ${allow.join(", ")} until ${expiresAt.toISOString()}; the key ${
      out === undefined ? "" : `is in ${out}, and `
    }is never shown again`,
  );
}
