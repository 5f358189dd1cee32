/** A vault that delivers events, in a process of its own that is killed. Its options are its first argument. */
import { google, keyringFromKeys, openVault } from "../../src/index.ts";
import { storeAt } from "../support/store-process.ts";

const { where, key, webhook } = JSON.parse(process.argv[2] ?? "") as {
  readonly where: string;
  readonly key: string;
  readonly webhook: { readonly url: string; readonly secrets: readonly string[] };
};

await openVault({
  provider: google({ clientId: "delivers", clientSecret: "secret" }),
  store: storeAt(where),
  keyring: keyringFromKeys(key),
  webhook,
});
process.send?.("ready");
process.once("disconnect", () => process.exit(0));
