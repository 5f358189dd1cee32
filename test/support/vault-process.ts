/** A vault in a process of its own, for tests that stop or kill it. Started by {@link startVaultProcess}. */
import { google, isOnbehalfError, keyringFromKeys, openVault } from "../../src/index.ts";
import type { Vault } from "../../src/index.ts";
import { storeAt } from "./store-process.ts";
import type { FromVaultProcess, ToVaultProcess, VaultProcessOptions } from "./vault-processes.ts";

let vault: Vault | undefined;

const tell = (message: FromVaultProcess): void => {
  process.send?.(message);
};

async function open({ where, key, standin, rotation, ...more }: VaultProcessOptions): Promise<void> {
  const { clientId, clientSecret, url: baseUrl } = standin;
  await vault?.close();
  vault = await openVault({
    provider: { ...google({ clientId, clientSecret, baseUrl }), rotation },
    store: storeAt(where),
    keyring: keyringFromKeys(key),
    ...more,
    onEvent: (event) => tell({ type: "event", event }),
  });
  tell({ type: "ready" });
}

async function perform(verb: "token" | "exchange" | "key", argument: string, ticket?: string): Promise<string> {
  if (vault === undefined) throw new TypeError("asked before it was opened");
  if (verb === "key") {
    const { name, session } = await vault.callers.authenticate(`Bearer ${argument}`);
    return session?.sessionId ?? name;
  }
  if (verb === "token") return (await vault.getAccessToken(argument)).token;
  return (await vault.exchangeCode({ code: argument, ...(ticket === undefined ? {} : { ticket }) })).grantId;
}

process.on("message", (message: ToVaultProcess) => {
  if (message.type === "open") {
    void open(message.options);
    return;
  }
  const { id, verb, argument, times, ticket } = message;
  void Promise.allSettled(Array.from({ length: times }, () => perform(verb, argument, ticket))).then((ends) => {
    tell({
      type: "answer",
      id,
      ends: ends.map((end) => {
        if (end.status === "fulfilled") return end.value;
        return isOnbehalfError(end.reason) ? end.reason.code : String(end.reason);
      }),
    });
  });
});

// The test is over: what is under way is finished, as a service's SIGTERM would.
process.once("disconnect", () => void vault?.close().then(() => process.exit(0)));
