import type { HttpProtocol } from "../../oauth/protocol.ts";
import type { Client } from "../../providers/provider.ts";
import { onBeat } from "../beat.ts";
import type { OnFault } from "../context.ts";
import { isOnbehalfError } from "../../core/errors.ts";
import { ServerClient } from "./server-client.ts";
import type { ServerClientOptions } from "./server-client.ts";

/** How often it is read again which clients there are: another process may have registered one, milliseconds. */
const lookEveryMs = 5_000;

/**
 * Gives each protocol of an MCP server its client, as it is kept in the store. Nothing is asked of a server: whoever needs
 * a client that is not known finds it out then.
 *
 * @returns a function that ends the looking
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function useServerClients(
  { onFault, ...options }: ServerClientOptions & { readonly onFault: OnFault },
  protocols: Iterable<HttpProtocol>,
): Promise<() => void> {
  const sources: ServerClient[] = [];
  for (const protocol of protocols) {
    const { provider } = protocol;
    const { server, client } = provider;
    if (server === undefined || client === "none") continue;
    const isToRegister = typeof client === "object" && "register" in client;
    // Who only reads needs to know no more of a client that the record gives.
    if (!isToRegister && options.keyring === undefined) continue;
    const given: Client = protocol.client;
    const source = new ServerClient({ ...provider, server }, given, options);
    await source.look();
    protocol.useSource(source);
    sources.push(source);
  }
  if (sources.length === 0) return () => undefined;
  const lookAll = async (): Promise<void> => {
    for (const source of sources) await source.look();
  };
  return onBeat(lookEveryMs, () => {
    lookAll().catch((error: unknown) => {
      // Others tell that the store does not answer.
      if (!isOnbehalfError(error, "store_unavailable")) onFault(error, "registered clients");
    });
  });
}
