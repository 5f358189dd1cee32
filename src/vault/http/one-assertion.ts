import { codeHash } from "../../crypto/keyring.ts";
import type { SealedPlace } from "../../crypto/places.ts";
import type { Protocol } from "../../oauth/protocol.ts";
import type { VaultContext } from "../context.ts";
import { codeRequest, provesItsSender } from "../keeper/codes/code-request.ts";
import type { ExchangeCodeOptions } from "../keeper/codes/code-request.ts";

const nothing = new Uint8Array();

/**
 * The sign-in assertion of a code that has become a grant. A code brings one, to the first request that asks. The same
 * one comes again to whoever proves to be the same sender, because its first answer may have been lost. Whoever has only
 * read the code somewhere, and sends it again, gets none: it would be a session of somebody else.
 *
 * @param options what was sent with the code
 * @param sign makes an assertion
 * @returns undefined where it was given before, and the sender proves nothing
 * @throws {OnbehalfError} `store_unavailable`: the same request may be sent again
 */
export async function assertionOf(
  { store, keyring }: VaultContext,
  { provider, client: { clientId } }: Protocol,
  options: ExchangeCodeOptions,
  sign: () => Promise<string>,
): Promise<string | undefined> {
  const request = codeRequest(options, provider);
  const hash = codeHash(keyring, clientId, request.code.expose());
  const place: SealedPlace = { clientId, column: "intakes.assertion", recordId: hash.toString("hex"), generation: 0 };
  const made = await sign();
  // The keeper has compared the whole request with the first one: a replay that comes to here knows all that it knew.
  const known = await store.keepAssertion(hash, provesItsSender(request) ? keyring.seal(made, place) : nothing);
  if (known === undefined) return made;
  return known.length === 0 ? undefined : keyring.open(known, place);
}
