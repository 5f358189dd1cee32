import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import { testVault, usualScope } from "../../../support/test-vault.ts";

describe("a code sent by somebody who is not its person", () => {
  test("a code that a stranger sends with a wrong nonce is refused, and ends nothing that the person has", async (t) => {
    const { standin, clock, open } = await testVault(t);
    const vault = await open();
    const code = (nonce: string): string =>
      standin.code({ kind: "native", email: "ada@example.com", scope: usualScope, force: true, nonce });
    const grant = await vault.exchangeCode({ code: code("ada's"), source: "android", nonce: "ada's" });

    await assert.rejects(
      vault.exchangeCode({ code: code("ada's next"), source: "android", nonce: "the thief's" }),
      (error) => isOnbehalfError(error, "id_token_invalid") && error.details.check === "nonce",
    );

    // Revoking the stolen code's tokens would have ended this grant, too.
    clock.advance(3_700_000);
    await vault.getAccessToken(grant);
    assert.equal((await vault.grant(grant)).state, "active");
  });

  test("a code that a stranger sends of a person without a grant leaves nothing that works", async (t) => {
    const { standin, open, newRequests } = await testVault(t);
    const vault = await open();
    const code = standin.code({ kind: "native", email: "ada@example.com", scope: usualScope, nonce: "ada's" });
    await assert.rejects(vault.exchangeCode({ code, source: "android", nonce: "the thief's" }), (error) =>
      isOnbehalfError(error, "id_token_invalid"),
    );
    assert.equal(newRequests("/revoke").length, 1);
    assert.deepEqual((await vault.grants()).grants, []);
  });
});

test("a code with a redirect_uri that is not its own may come again with the right one", async (t) => {
  const { standin, open } = await testVault(t);
  const vault = await open();
  const code = standin.code({ kind: "popup", email: "ada@example.com", scope: usualScope });
  await assert.rejects(
    vault.exchangeCode({ code, source: "android" }),
    (error) => isOnbehalfError(error, "code_rejected") && error.details.providerError === "redirect_uri_mismatch",
  );
  const grant = await vault.exchangeCode({ code, source: "web-popup" });
  assert.equal(grant.profile.email, "ada@example.com");
});
