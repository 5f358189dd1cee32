/** A sealer that hides nothing, so that the checks can read the tokens that a store holds. */
import type { Sealer } from "../../src/crypto/keyring.ts";

/** Encryption is not what is simulated. A value still opens only in the place that it was sealed for. */
export const plainSealer: Sealer = {
  seal: (plaintext, place) => Buffer.from(JSON.stringify([plaintext, place])),
  open: (sealed, place) => {
    const [plaintext, sealedFor] = JSON.parse(Buffer.from(sealed).toString()) as [string, object];
    return JSON.stringify(sealedFor) === JSON.stringify(place) ? plaintext : undefined;
  },
  hash: (purpose) => Buffer.from(purpose),
  seed: () => Buffer.alloc(32),
  versions: () => [1],
};

/** The refresh token in a sealed column, or in a sealed answer of the provider. */
export function refreshTokenIn(sealed: Uint8Array): string {
  const [plaintext] = JSON.parse(Buffer.from(sealed).toString()) as [string];
  return plaintext.startsWith("{") ? (JSON.parse(plaintext) as { refresh_token: string }).refresh_token : plaintext;
}
