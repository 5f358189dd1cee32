import assert from "node:assert/strict";
import { test } from "node:test";
import { bentProvider } from "../support/bent-provider.ts";

test("a provider whose answers nobody bends is served for days, and each refresh token is sent once", async (t) => {
  const provider = await bentProvider(t, {}, { strict: true });
  const { grantId } = await provider.connect("ada/1");
  for (let day = 0; day < 3; day++) {
    provider.clock.advance(86_400_000);
    assert.equal((await provider.vault.getAccessToken(grantId)).token, `at-${day + 2}`);
  }
  assert.equal((await provider.vault.grant(grantId)).subject, "ada");
  const sent = provider.requests.flatMap(({ form }) => form["refresh_token"] ?? []);
  assert.deepEqual(sent, ["rt-1", "rt-2", "rt-3"]);
});
