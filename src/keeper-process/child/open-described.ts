/** From what an app has described to an open keeper. */
import { keyringFromCommand } from "../../crypto/key-command.ts";
import { keyringFromEnv, keyringFromFile } from "../../crypto/master-key.ts";
import type { MasterKeySource } from "../../crypto/master-key.ts";
import { postgres } from "../../store/postgres/index.ts";
import { sqlite } from "../../store/sqlite/index.ts";
import type { Store } from "../../store/store.ts";
import type { StoreDescription } from "../../store/store-description.ts";
import { openKeeper } from "../../vault/keeper/open-keeper.ts";
import { loadClient } from "../../vault/open/registered-client.ts";
import { toProviderMessage } from "../messages.ts";
import { receivedProvider } from "../opening.ts";
import type { Opening } from "../opening.ts";
import type { Employer, Opened } from "./work-for-parent.ts";

/**
 * Opens it. What it throws is that of `openKeeper`.
 *
 * @param storeOf makes the store; tests give one with faults
 */
export async function openDescribed(
  opening: Opening,
  employer: Employer,
  storeOf: (description: StoreDescription) => Store = describedStore,
): Promise<Opened> {
  const providers = opening.providers.map(receivedProvider);
  const options = {
    ...opening.options,
    providers,
    store: storeOf(opening.store),
    keyring: sourceOf(opening.keyring, employer),
    onEvent: employer.onEvent,
    onFault: employer.onFault,
  };
  const keeper = await openKeeper(options, { spans: employer.spans });
  const clientIds = Object.fromEntries(providers.map((each) => [each.name, loadClient(each).clientId]));
  const records = providers.map((each) => toProviderMessage(each, clientIds[each.name] ?? ""));
  return { keeper, clientIds, providers: records };
}

/** The store that a description is of. */
export function describedStore(description: StoreDescription): Store {
  if (description.kind === "sqlite") return sqlite(description.path, { patienceMs: description.patienceMs });
  const { kind: _kind, ...options } = description;
  return postgres(options);
}

function sourceOf(description: Opening["keyring"], employer: Employer): MasterKeySource {
  switch (description.from) {
    case "environment":
      return keyringFromEnv(description.name);
    case "file":
      return keyringFromFile(description.path);
    case "command":
      return keyringFromCommand(description.command, { timeoutMs: description.timeoutMs });
    case "employer":
      return () => employer.masterKeys();
  }
}
