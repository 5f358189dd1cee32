import type { Clock } from "../../core/clock.ts";
import type { Sealer } from "../../crypto/keyring.ts";
import { clientKeyPlace } from "../../crypto/places.ts";
import { DpopKey } from "../../oauth/dpop.ts";
import type { HttpProtocol } from "../../oauth/protocol.ts";
import type { KeyStore } from "../../store/key-store.ts";
import type { OnEvent } from "../events.ts";

/**
 * Gives each client the key that its refresh tokens are bound to, and makes one where the provider's record asks for it
 * and there is none. One that is there and does not open is never replaced: what is bound to it would be dead for good.
 *
 * @param keyring of a keeper: it opens what only refreshing needs
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function useDpopKeys(
  { store, keyring, clock, emit }: { store: KeyStore; keyring: Sealer; clock: Clock; emit: OnEvent },
  protocols: Iterable<HttpProtocol>,
): Promise<void> {
  for (const protocol of protocols) {
    const { name, issuer, dpop, client } = protocol.provider;
    if (client === "none") continue;
    const { clientId } = protocol.client;
    const place = clientKeyPlace(issuer, clientId);
    let known = await store.clientKey(issuer, clientId);
    const isNew = known === undefined && dpop === true;
    if (isNew) {
      const keySealed = keyring.seal(DpopKey.generate(), place);
      known = await store.createClientKey({ issuer, clientId, keySealed, createdAt: clock.now() });
    }
    if (known === undefined) continue;
    const text = keyring.open(known.keySealed, place);
    if (text === undefined) {
      protocol.useDpop("lost");
      emit({ type: "dpop_key_lost", provider: name, clientId });
      continue;
    }
    const key = await DpopKey.of(text);
    protocol.useDpop(key);
    if (isNew) emit({ type: "dpop_key_created", provider: name, clientId, thumbprint: key.thumbprint });
  }
}
