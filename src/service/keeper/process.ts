/**
 * The keeper's process: the only process of a service that opens refresh tokens. It exchanges and commits for the
 * service, outlives a crash of the service, and ends once all work that was begun is stored. Only how it comes to its
 * options belongs here.
 */
import { defined } from "../../core/defined.ts";
import type { KeeperFigures } from "../../core/figures.ts";
import { openKeeper } from "../../index.ts";
import { workForParent } from "../../keeper-process/child/work-for-parent.ts";
import type { Employer, Opened } from "../../keeper-process/child/work-for-parent.ts";
import { toProviderMessage } from "../../keeper-process/messages.ts";
import { secretsHeldAt, takeVariables } from "../secrets/held-secrets.ts";
import { measuredStore } from "../metrics/measured-store.ts";
import { clientIdOf, hasGoogle } from "../settings/config-parts.ts";
import { serviceConfig } from "../settings/config.ts";
import type { KeeperProcessOptions } from "./start-keeper.ts";

/**
 * When upkeep begins, milliseconds after the store is open: people wait for the process that serves, which opens its own store now,
 * and a dozen rounds that begin together would take the processors from it.
 */
const upkeepAfterMs = 250;

workForParent(open, (error, end) => void endWith(error, end));

async function endWith(error: unknown, end: () => void): Promise<void> {
  try {
    const { logLastFault } = await import("../last-fault.ts");
    logLastFault(error, "the keeper, which this ended");
  } finally {
    end();
  }
}

/** Rejects with what is wrong with any of the settings. */
async function open(
  { settings: given, migrate, heldSecrets }: KeeperProcessOptions,
  { onEvent, onFault, configured, spans }: Employer,
): Promise<Opened> {
  const held = heldSecrets === undefined ? undefined : await secretsHeldAt(heldSecrets, "keeper");
  // A command that prints the master key may need them.
  if (held !== undefined) takeVariables(held);
  const config = serviceConfig({ ...given, ...held?.settings });
  const { keyring, providers, exchangeRate, rescueFolder } = config;
  const { store, times } = measuredStore(config.store);
  const { webhook, eventsKeptDays, consentEndsSoonDays } = config;
  const clientIds = Object.fromEntries(providers.map((provider) => [provider.name, clientIdOf(provider)]));
  const fromFile = providers.slice(hasGoogle({ ...given, ...held?.settings }) ? 1 : 0);
  const records = fromFile.map((provider) => toProviderMessage(provider, clientIds[provider.name] ?? ""));
  configured({ clientIds, providers: records });
  const options = {
    store,
    keyring,
    providers,
    exchangeRate,
    ...defined({ rescueFolder, webhook, eventsKeptDays, consentEndsSoonDays }),
    migrate,
    onEvent,
    onFault,
  };
  const opened = await openKeeper(options, { spans, upkeepAfterMs });
  const figures = async (): Promise<KeeperFigures> => ({ ...(await opened.figures()), store: times() });
  return { keeper: { ...opened, figures }, clientIds, providers: records };
}
