import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";

/** A key that makes DPoP proofs, as another program than ours would. */
export interface ProofMaker {
  /** A proof for `POST {url}/token`. Members of `undefined` are left out. */
  proof(url: string, seconds: number, claims?: object, header?: object): string;
}

/** The `jti` that Google wants at the exchange of a code. */
export function hashOfCode(code: string): string {
  return createHash("sha256").update(code).digest("base64url");
}

export function proofMaker(namedCurve = "P-256"): ProofMaker {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve });
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return {
    proof(url, seconds, claims = {}, header = {}) {
      const jwk = publicKey.export({ format: "jwk" });
      const usual = { jti: randomUUID(), htm: "POST", htu: `${url}/token`, iat: seconds };
      const signed = `${part({ typ: "dpop+jwt", alg: "ES256", jwk, ...header })}.${part({ ...usual, ...claims })}`;
      const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
      return `${signed}.${signature.toString("base64url")}`;
    },
  };
}
