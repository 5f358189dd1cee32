import { SignJWT, exportJWK, generateKeyPair } from "jose";
import type { CryptoKey, JWTHeaderParameters, JWTPayload } from "jose";
import type { Clock, TrustedIssuer } from "../../src/index.ts";

/** The sign-in service of an app: signs JWTs about the app's users, and publishes its keys. */
export interface AppIssuer {
  readonly entry: TrustedIssuer;
  /** For a vault's `fetch`: answers for the issuer's keys, and sends everything else on. */
  readonly fetch: typeof fetch;
  /** How often its keys were read. */
  reads(): number;
  /** Signs with another key from now on; the one before is published no more. */
  rotate(): Promise<void>;
  /** Answers for its keys with this, as long as it is set. */
  answerWith(answer: (() => Response) | undefined): void;
  /** @param claims take the place of the usual ones; one that is undefined is left out */
  sign(claims?: JWTPayload, header?: Partial<JWTHeaderParameters>, key?: CryptoKey): Promise<string>;
}

export async function appIssuer(
  clock: Clock,
  changes: Partial<TrustedIssuer> = {},
  algorithm = "ES256",
): Promise<AppIssuer> {
  const entry = {
    issuer: "https://login.app.example",
    audience: "app-api",
    jwksUri: "https://login.app.example/keys",
    ...changes,
  };
  let made = 0;
  let reads = 0;
  let answer: (() => Response) | undefined;
  const newKey = async (): Promise<{ privateKey: CryptoKey; jwk: object; kid: string }> => {
    const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
    const kid = `key-${(made += 1)}`;
    return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: "sig" }, kid };
  };
  let current = await newKey();
  return {
    entry,
    reads: () => reads,
    fetch: async (input, init) => {
      if (input !== entry.jwksUri) return fetch(input, init);
      reads += 1;
      return answer?.() ?? Response.json({ keys: [current.jwk] });
    },
    rotate: async () => {
      current = await newKey();
    },
    answerWith(given) {
      answer = given;
    },
    sign: (claims = {}, header = {}, key = current.privateKey) => {
      const now = Math.floor(clock.now() / 1000);
      const usual = { iss: entry.issuer, aud: "app-api", sub: "user-1", iat: now, exp: now + 600 };
      const all = Object.entries({ ...usual, ...claims }).filter(([, value]) => value !== undefined);
      return new SignJWT(Object.fromEntries(all))
        .setProtectedHeader({ alg: algorithm, kid: current.kid, typ: "JWT", ...header })
        .sign(key);
    },
  };
}
