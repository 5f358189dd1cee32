import { openWithoutClient } from "../open-vault.ts";
import { printJson, printLines } from "../terminal/print.ts";

/** Prints the number and the hash of the last row. */
export async function head(flags: { readonly json?: boolean }): Promise<void> {
  await using vault = await openWithoutClient(flags);
  const { seq, hash } = await vault.audit.head();
  if (flags.json === true) printJson({ seq, hash, head: `${seq}:${hash}` });
  else printLines([`${seq}:${hash}`]);
}
