import type { Permission } from "../../index.ts";
import { defined } from "../../core/defined.ts";
import { permissions } from "../../vault/http/callers.ts";
import { printJson, printLines, say } from "../terminal/print.ts";
import { openWithoutClient } from "../open-vault.ts";
import { UsageError } from "../terminal/usage-error.ts";

interface Flags {
  readonly allow?: readonly string[];
  readonly expiresInDays?: number;
  readonly json?: boolean;
}

/** Creates a caller's key. No other command ever shows it. */
export async function create(name: string, flags: Flags): Promise<void> {
  const allow = flags.allow?.map(permissionOf) ?? permissions;
  const expiresAt =
    flags.expiresInDays === undefined ? undefined : new Date(Date.now() + flags.expiresInDays * 86_400_000);
  await using vault = await openWithoutClient(flags, { mayCreate: true });
  const { key } = await vault.callers.create(name, defined({ allow, expiresAt }));
  if (flags.json === true) printJson({ name, key: key.expose(), allow, expires_at: expiresAt });
  else printLines([key.expose()]);
  const until = expiresAt === undefined ? "until it is revoked" : `until ${expiresAt.toISOString()}`;
  say(`${name} may ${allow.join(", ")} ${until}; the key is never shown again`);
}

function permissionOf(text: string): Permission {
  const permission = permissions.find((known) => known === text);
  if (permission !== undefined) return permission;
  throw new UsageError(`--allow ${text}: there is no such permission`, `use ${permissions.join(", ")}`);
}
