import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../src/index.ts";
import { bentProvider } from "../support/bent-provider.ts";

describe("a sign-in whose keys are out of reach", () => {
  for (const [name, awayMs] of [
    ["for longer than the ID token lives", 2 * 3_600_000],
    ["for a night", 10 * 3_600_000],
    ["for two days", 2 * 86_400_000],
  ] as const) {
    test(`the provider's keys are out of reach ${name}: the sign-in is finished, and nothing is revoked`, async (t) => {
      let away = true;
      const bent = await bentProvider(t, { jwks: () => (away ? { status: 503 } : undefined) });
      await assert.rejects(bent.connect("c"), (error) => isOnbehalfError(error, "provider_unavailable"));
      bent.clock.advance(awayMs);
      away = false;
      const grant = await bent.connect("c");
      assert.equal(grant.state, "active");
      assert.equal(bent.count("/revoke"), 0);
      assert.equal(bent.count("/token"), 1, "the code was sent once");
      const { token } = await bent.vault.getAccessToken(grant);
      assert.equal(token, "at-2", "the access token of the sign-in has ended, and was refreshed");
    });
  }

  test("an ID token that had expired when it came is refused, however soon it is verified", async (t) => {
    const bent = await bentProvider(t);
    bent.bend = { claims: () => ({ exp: Math.floor(bent.clock.now() / 1000) - 61 }) };
    await assert.rejects(
      bent.connect("c"),
      (error) => isOnbehalfError(error, "id_token_invalid") && error.details.check === "exp",
    );
  });
});
