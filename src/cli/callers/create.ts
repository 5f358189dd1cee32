import { defined } from "../../core/defined.ts";
import { everyGrant } from "../../core/reach.ts";
import { permissions } from "../../vault/http/callers.ts";
import { printJson, printLines, say } from "../terminal/print.ts";
import { openWithoutClient } from "../open-vault.ts";
import { permissionOf, selectorOf } from "../selector-flags.ts";
import { keyOnce } from "./key-once.ts";
import { UsageError } from "../terminal/usage-error.ts";

/** The command's flags. */
export interface CreateFlags {
  readonly allow?: readonly string[];
  readonly grants?: readonly string[];
  readonly provider?: readonly string[];
  /** Milliseconds. */
  readonly expires?: number;
  readonly expiresInDays?: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** Creates a caller's key. No other command ever shows it. */
export async function create(name: string, flags: CreateFlags): Promise<void> {
  const allow = flags.allow?.map(permissionOf);
  if (allow === undefined) {
    throw new UsageError(
      "--allow is missing: a key may do only what is named",
      `give what the program needs of ${permissions.join(", ")}, such as --allow token,grants:read`,
    );
  }
  const grants = flags.grants?.map(selectorOf) ?? [everyGrant];
  const expiresAt = endOf(flags);
  const { out } = flags;
  const { caller, shown } = await keyOnce(out, async () => {
    await using vault = await openWithoutClient(flags, { mayCreate: true });
    return await vault.callers.create(name, defined({ allow, grants, providers: flags.provider, expiresAt }));
  });
  if (flags.json === true) {
    const { callerId, providers } = caller;
    printJson({ name, caller_id: callerId, ...shown, allow, grants, providers, expires_at: expiresAt });
  } else if (out === undefined) printLines([shown.key ?? ""]);
  const until = expiresAt === undefined ? "until it is revoked" : `until ${expiresAt.toISOString()}`;
  say(
    `${name} may ${allow.join(", ")} ${until}; the key ${out === undefined ? "" : `is in ${out}, and `}is never shown again`,
  );
  const where = flags.provider === undefined ? "" : ` of ${flags.provider.join(", ")}`;
  const which = grants.includes(everyGrant) ? "every grant" : `the grants that fit ${grants.join(", ")}`;
  say(`${name} sees ${which}${where}`);
}

function endOf({ expires, expiresInDays }: CreateFlags): Date | undefined {
  if (expires !== undefined && expiresInDays !== undefined) {
    throw new UsageError("--expires and --expires-in-days are both given", "give one of them");
  }
  const ms = expires ?? (expiresInDays === undefined ? undefined : expiresInDays * 86_400_000);
  return ms === undefined ? undefined : new Date(Date.now() + ms);
}
