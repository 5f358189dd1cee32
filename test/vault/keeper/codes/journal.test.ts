import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import type { Settings } from "../../../../src/standin/index.ts";
import { testVault, outcomes, until } from "../../../support/test-vault.ts";
import type { TestVault } from "../../../support/test-vault.ts";

const certs = "/oauth2/v3/certs";

/** State of the only intake in the file, as anyone could read it. */
function intakeState({ path }: TestVault): unknown {
  const file = new DatabaseSync(path, { readOnly: true });
  try {
    return file.prepare("SELECT state FROM intakes").get()?.["state"];
  } finally {
    file.close();
  }
}

describe("an answer that could not be checked, because the provider's keys were out of reach", () => {
  test("an answer that could not be checked yet is finished when the same code comes again: the code itself is not spent twice", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const options = { code: fixture.code("ada@example.com"), externalId: "user-42" };
    fixture.standin.fault("GET", certs, { times: 1, status: 503 });
    await assert.rejects(vault.exchangeCode(options), (error) => isOnbehalfError(error, "provider_unavailable"));
    assert.equal(intakeState(fixture), "answered");

    const grant = await vault.exchangeCode(options);
    assert.equal(grant.profile.email, "ada@example.com");
    assert.equal(grant.offline, true);
    assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
  });

  test("an answer that could not be checked yet is finished by itself when a vault is opened over the file", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const options = { code: fixture.code("ada@example.com"), externalId: "user-42" };
    fixture.standin.fault("GET", certs, { times: "always", drop: true });
    await assert.rejects(vault.exchangeCode(options), (error) => isOnbehalfError(error, "provider_unavailable"));
    await vault.close();
    fixture.standin.clearFaults();

    const next = await fixture.open();
    await until(() => fixture.events.some(({ type }) => type === "grant_stored"));
    const { token } = await next.getAccessToken({ externalId: "user-42" });
    assert.match(token, /^ya29\./);
    assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
    assert.equal(intakeState(fixture), "done");
  });

  test("an answer that could not be checked yet raises an event while the sign-in waits, and another when it is done", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const options = { code: fixture.code("ada@example.com"), externalId: "user-42" };
    fixture.standin.fault("GET", certs, { times: "always", drop: true });
    await assert.rejects(vault.exchangeCode(options), (error) => isOnbehalfError(error, "provider_unavailable"));
    await until(() => fixture.events.length > 0);
    assert.deepEqual(fixture.events, [{ type: "sign_in_waits", provider: "google", error: "keys_unavailable" }]);
    await vault.close();
    fixture.standin.clearFaults();

    await fixture.open();
    await until(() => fixture.events.length >= 3);
    const stored = fixture.events.find((event) => event.type === "grant_stored");
    const grantId = stored !== undefined && "grantId" in stored ? stored.grantId : "";
    assert.deepEqual(fixture.events.at(-1), { type: "sign_in_finished", grantId, provider: "google" });
  });

  test("an answer that could not be checked yet is not given to somebody who sends the code with less knowledge", async (t) => {
    const fixture = await testVault(t);
    const vault = await fixture.open();
    const code = fixture.standin.code({ email: "ada@example.com", nonce: "n-1" });
    fixture.standin.fault("GET", certs, { times: 1, status: 503 });
    await assert.rejects(vault.exchangeCode({ code, nonce: "n-1" }));
    await assert.rejects(vault.exchangeCode({ code, nonce: "n-2" }), (error) =>
      isOnbehalfError(error, "code_rejected"),
    );
    assert.equal((await vault.exchangeCode({ code, nonce: "n-1" })).profile.email, "ada@example.com");
  });
});

describe("an ID token that is not what it should be", () => {
  const flaws: readonly (readonly [NonNullable<Settings["idTokenFlaw"]>, string])[] = [
    ["wrong_aud", "aud"],
    ["wrong_iss", "iss"],
    ["alg_none", "form"],
    ["expired", "exp"],
    ["bad_signature", "signature"],
    ["missing_sub", "sub"],
    ["wrong_nonce", "nonce"],
    ["hs256_with_public_key", "alg"],
    ["unknown_kid", "kid"],
  ];
  for (const [idTokenFlaw, check] of flaws) {
    test(`an ID token with ${idTokenFlaw} is refused, what was issued is revoked, nothing is kept`, async (t) => {
      const fixture = await testVault(t, { idTokenFlaw });
      const { standin, open, events, newRequests } = fixture;
      const vault = await open();
      const options = { code: standin.code({ email: "ada@example.com", nonce: "n-1" }), nonce: "n-1" };
      for (let turn = 0; turn < 2; turn++) {
        await assert.rejects(vault.exchangeCode(options), (error) => {
          assert.ok(isOnbehalfError(error, "id_token_invalid"));
          assert.equal(error.details.check, check);
          return true;
        });
      }
      assert.deepEqual(events, [{ type: "id_token_refused", provider: "google", check }]);
      assert.deepEqual(
        newRequests("/revoke").map(({ outcome, grant }) => [outcome, grant]),
        [["revoked", "ada@example.com"]],
      );
      assert.deepEqual((await vault.grants()).grants, []);
      const file = new DatabaseSync(fixture.path, { readOnly: true });
      assert.deepEqual(
        { ...file.prepare("SELECT state, answer_sealed FROM intakes").get() },
        {
          state: "rejected",
          answer_sealed: null,
        },
      );
      file.close();
    });
  }

  test("an answer with a wrong ID token is kept sealed, and not handed out, until the provider confirms that it is revoked", async (t) => {
    const fixture = await testVault(t, { idTokenFlaw: "wrong_aud" });
    const vault = await fixture.open();
    const options = { code: fixture.code("ada@example.com") };
    fixture.standin.fault("POST", "/revoke", { times: 1, status: 503 });
    const refused = (error: unknown): boolean => isOnbehalfError(error, "id_token_invalid");
    await assert.rejects(vault.exchangeCode(options), refused);
    assert.equal(intakeState(fixture), "answered", "what was issued is still alive at the provider");
    await vault.close();

    await fixture.open();
    await until(() => intakeState(fixture) === "rejected");
    assert.deepEqual(outcomes(fixture.newRequests("/revoke")), { fault: 1, revoked: 1 });
    assert.deepEqual(outcomes(fixture.newRequests("/token")), {}, "the code was exchanged once, long ago");
  });

  test("an ID token that is missing, because openid was not asked for, is refused with how to ask", async (t) => {
    const { open, code, newRequests } = await testVault(t);
    const vault = await open();
    await assert.rejects(
      vault.exchangeCode({ code: code("ada@example.com", "https://www.googleapis.com/auth/drive.appdata") }),
      (error) => {
        assert.ok(isOnbehalfError(error, "id_token_invalid"));
        assert.match(error.hint, /openid/);
        return true;
      },
    );
    assert.equal(newRequests("/revoke").length, 0, "revoking it would end the person's other grants, too");
  });

  test("an ID token that is wrong leaves an earlier grant of somebody else alone", async (t) => {
    const { standin, open, code } = await testVault(t);
    const vault = await open();
    const { grantId } = await vault.exchangeCode({ code: code("carl@example.com") });
    standin.settings({ idTokenFlaw: "bad_signature" });
    await assert.rejects(vault.exchangeCode({ code: code("ada@example.com") }));
    assert.equal((await vault.grant(grantId)).state, "active");
  });
});

describe("a code whose exchange ended without an answer", () => {
  const ends: readonly (readonly [string, object])[] = [
    ["an outage", { status: 503 }],
    ["a limit", { status: 429, retryAfter: 1 }],
    ["a refused client", { status: 401, body: { error: "invalid_client" } }],
    ["a page of a proxy", { html: true }],
    ["a connection that was cut before the request was read", { drop: true }],
  ];
  for (const [name, fault] of ends) {
    test(`a code whose exchange ended without an answer: ${name}: the same code works afterwards`, async (t) => {
      const { standin, open, code } = await testVault(t);
      const options = { code: code("ada@example.com") };
      standin.fault("POST", "/token", { times: 1, ...fault });
      const vault = await open();
      await assert.rejects(vault.exchangeCode(options), (error) => {
        assert.ok(isOnbehalfError(error));
        assert.ok(["provider_unavailable", "client_misconfigured"].includes(error.code), error.code);
        return true;
      });
      // Another vault: this one may be pausing before it asks the provider again.
      await vault.close();
      const next = await open();
      assert.equal((await next.exchangeCode(options)).profile.email, "ada@example.com");
    });
  }
});
