import { defined } from "../../core/defined.ts";
import { callerBody } from "../../service/http/json-bodies.ts";
import { openWithoutClient } from "../open-vault.ts";
import { permissionOf, selectorOf } from "../selector-flags.ts";
import { printJson, say } from "../terminal/print.ts";
import { UsageError } from "../terminal/usage-error.ts";
import { reachOf } from "./list.ts";

/** The command's flags. */
export interface NarrowFlags {
  readonly allow?: readonly string[];
  readonly grants?: readonly string[];
  readonly provider?: readonly string[];
  /** Milliseconds. */
  readonly expires?: number;
  readonly json?: boolean;
}

/** Takes rights away from a caller. */
export async function narrow(name: string, flags: NarrowFlags): Promise<void> {
  const { expires } = flags;
  const kept = defined({
    allow: flags.allow?.map(permissionOf),
    grants: flags.grants?.map(selectorOf),
    providers: flags.provider,
    expiresAt: expires === undefined ? undefined : new Date(Date.now() + expires),
  });
  if (Object.keys(kept).length === 0) {
    throw new UsageError(
      "nothing says what the caller keeps",
      "give --allow, --grants, --provider or --expires; onbehalf callers list shows what it has now",
    );
  }
  await using vault = await openWithoutClient(flags);
  const caller = await vault.callers.narrow(name, kept);
  if (flags.json === true) printJson(callerBody(caller));
  const until = caller.expiresAt === undefined ? "until it is revoked" : `until ${caller.expiresAt.toISOString()}`;
  say(
    `${name} may ${caller.allow.join(", ")} ${until}, and sees ${reachOf(caller)}; running services know within a second`,
  );
}
