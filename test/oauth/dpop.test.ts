import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, importJWK, jwtVerify } from "jose";
import { Secret } from "../../src/core/secret.ts";
import type { HttpResult } from "../../src/oauth/bounded-fetch.ts";
import { DpopKey, jtiOf } from "../../src/oauth/dpop.ts";

const now = Date.UTC(2026, 10, 22, 12, 0, 0, 700);
const request = { url: "https://id.example:8443/token?tenant=a#b", now, timeoutMs: 1_000 };

function answer(status: number, body: object, nonce?: string): HttpResult {
  const headers = new Headers(nonce === undefined ? {} : { "dpop-nonce": nonce });
  return { kind: "body", status, headers, text: JSON.stringify(body) };
}

const asksFor = (nonce?: string): HttpResult => answer(400, { error: "use_dpop_nonce" }, nonce);
const tokens = (nonce?: string): HttpResult => answer(200, { access_token: "a" }, nonce);
const nonceOf = (proof: string): unknown => decodeJwt(proof)["nonce"];

describe("a DPoP proof", () => {
  test("a DPoP proof says which request it is for, when, and with which public key, and is signed with that key", async () => {
    const key = await DpopKey.of(DpopKey.generate());
    const proofs: string[] = [];
    for (let time = 0; time < 2; time += 1) {
      await key.send(request, async (proof) => {
        proofs.push(proof);
        return tokens();
      });
    }
    const [proof = "", second = ""] = proofs;
    const { jwk, ...header } = decodeProtectedHeader(proof);
    assert.deepEqual(header, { typ: "dpop+jwt", alg: "ES256" });
    assert.ok(jwk !== undefined);
    assert.deepEqual(Object.keys(jwk).sort(), ["crv", "kty", "x", "y"], "nothing of the private key");
    assert.equal(await calculateJwkThumbprint(jwk), key.thumbprint);
    const { jti, ...claims } = (await jwtVerify(proof, await importJWK(jwk, "ES256"))).payload;
    assert.deepEqual(claims, { htm: "POST", htu: "https://id.example:8443/token", iat: Math.floor(now / 1000) });
    assert.match(String(jti), /^[\da-f-]{36}$/);
    assert.notEqual(decodeJwt(second).jti, jti);
  });

  test("a DPoP proof for the exchange of a code is named by the code's hash, and does not show the code", async () => {
    const code = new Secret("4/0Aone");
    const key = await DpopKey.of(DpopKey.generate());
    let jti: string | undefined;
    await key.send({ ...request, jti: jtiOf(code) }, async (proof) => {
      ({ jti } = decodeJwt(proof));
      return tokens();
    });
    assert.equal(jti, createHash("sha256").update("4/0Aone").digest("base64url"));
  });
});

describe("the nonce that a provider wants in DPoP proofs", () => {
  test("the nonce that a provider wants in DPoP proofs is learned from any answer, and the newest is sent", async () => {
    const key = await DpopKey.of(DpopKey.generate());
    const sent: unknown[] = [];
    const answers = [tokens("n-1"), answer(400, { error: "invalid_grant" }, "n-2"), tokens(""), tokens()];
    for (const each of answers) {
      await key.send(request, async (proof) => {
        sent.push(nonceOf(proof));
        return each;
      });
    }
    assert.deepEqual(sent, [undefined, "n-1", "n-2", "n-2"]);
  });

  test("the nonce that a provider wants in DPoP proofs is sent by each of several requests that were under way without it", async () => {
    const key = await DpopKey.of(DpopKey.generate());
    const sent: unknown[] = [];
    const all = Promise.withResolvers<void>();
    const several = [0, 1, 2].map(() =>
      key.send(request, async (proof) => {
        sent.push(nonceOf(proof));
        if (sent.length === 3) all.resolve();
        await all.promise;
        return nonceOf(proof) === "n-1" ? tokens() : asksFor("n-1");
      }),
    );
    for (const result of await Promise.all(several)) assert.equal(result.kind === "body" && result.status, 200);
    assert.deepEqual(sent.map(String).sort(), ["n-1", "n-1", "n-1", "undefined", "undefined", "undefined"]);
  });

  for (const [what, first] of [
    ["asks for another one and names none", asksFor()],
    ["asks for the one that was sent", asksFor("n-1")],
    ["fails for another reason, and names another one", answer(400, { error: "invalid_dpop_proof" }, "n-2")],
    ["has success, and names another one", tokens("n-2")],
    ["does not answer", { kind: "silence", sent: true, error: "timeout" } as const],
  ] as const) {
    test(`a request with a DPoP proof is sent once where the provider ${what}`, async () => {
      const key = await DpopKey.of(DpopKey.generate());
      await key.send(request, async () => tokens("n-1"));
      let count = 0;
      const result = await key.send(request, async () => {
        count += 1;
        return first;
      });
      assert.equal(result, first);
      assert.equal(count, 1);
    });
  }

  test("the nonce that a provider wants in DPoP proofs is followed once, where it asks for a new one each time", async () => {
    const key = await DpopKey.of(DpopKey.generate());
    let count = 0;
    await key.send(request, async () => asksFor(`n-${(count += 1)}`));
    assert.equal(count, 2);
  });
});
