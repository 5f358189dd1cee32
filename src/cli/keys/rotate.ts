import { keyStatus, rotateMasterKey } from "../../index.ts";
import { printJson, say } from "../terminal/print.ts";
import { withKeys } from "../open-vault.ts";

/** Wraps every data key with the first of the given master keys. */
export async function rotate(flags: { readonly json?: boolean }): Promise<void> {
  const { rewrapped, masterKeyId } = await withKeys(flags, async ({ store, keyring }) => ({
    rewrapped: await rotateMasterKey(store, keyring),
    masterKeyId: (await keyStatus(store, keyring)).masterKeys[0]?.masterKeyId,
  }));
  if (flags.json === true) printJson({ key_id: masterKeyId, rewrapped });
  say(
    rewrapped === 0
      ? `the store is sealed with ${masterKeyId ?? "this key"} already`
      : `the store is now sealed with ${masterKeyId ?? "the first key"} (${rewrapped} data keys); remove the old key from the settings`,
  );
}
