import { invalidRequest } from "../../core/errors.ts";
import { printJson, say } from "../terminal/print.ts";
import { openWithoutClient } from "../open-vault.ts";

/** Ends a caller's key. */
export async function revoke(name: string, flags: { readonly json?: boolean }): Promise<void> {
  await using vault = await openWithoutClient(flags);
  if (!(await vault.callers.revoke(name))) {
    throw invalidRequest(
      "no caller of this name has a key that is not revoked",
      "see the names with: onbehalf callers list",
      "name",
    );
  }
  if (flags.json === true) printJson({ name, revoked: true });
  say(`the key of ${name} is revoked; running services refuse it within a second`);
}
