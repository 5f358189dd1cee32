import { handleBody } from "../../../service/http/json-bodies.ts";
import { openWithoutClient } from "../../open-vault.ts";
import { printJson, say } from "../../terminal/print.ts";
import { refOf } from "../ref.ts";
import type { RefFlags } from "../ref.ts";

/** Ends a handle. */
export async function revoke(
  text: string,
  handleId: string,
  flags: RefFlags & { readonly json?: boolean },
): Promise<void> {
  const ref = refOf(text, flags);
  await using vault = await openWithoutClient(flags);
  const handle = await vault.handles.revoke(ref, handleId);
  if (flags.json === true) printJson(handleBody(handle));
  else say(`handle ${handle.handleId} has ended; running services refuse it within a second`);
}
