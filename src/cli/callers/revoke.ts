import { OnbehalfError } from "../../index.ts";
import { printJson, say } from "../terminal/print.ts";
import { openWithoutClient } from "../open-vault.ts";

/** Ends a caller's key. */
export async function revoke(name: string, flags: { readonly json?: boolean }): Promise<void> {
  await using vault = await openWithoutClient(flags);
  if (!(await vault.callers.revoke(name))) {
    throw new OnbehalfError("invalid_request", `there is no living caller named ${name}`, {
      hint: "look at: onbehalf callers list",
      details: { parameter: "name" },
    });
  }
  if (flags.json === true) printJson({ name, revoked: true });
  say(`the key of ${name} is revoked; running services notice within a second`);
}
