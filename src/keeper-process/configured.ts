import type { Provider } from "../providers/provider.ts";
import { fromProviderMessage } from "./messages.ts";
import type { ConfiguredMessage } from "./messages.ts";

/** What the keeper has read of the configuration. */
export interface Configured {
  /** The id of the client that each provider is used with, by the provider's name. */
  readonly clientIds: Readonly<Record<string, string>>;
  /** Providers as the keeper has read them, without their secrets. */
  readonly providers: readonly Provider[];
}

export function fromConfiguredMessage({ clientIds, providers }: ConfiguredMessage): Configured {
  return { clientIds, providers: providers.map(fromProviderMessage) };
}
