import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Secret } from "../../../src/index.ts";
import type { GrantState } from "../../../src/index.ts";
import { AccessToken } from "../../../src/vault/tokens/access-token.ts";
import { TokenCache, cacheKey } from "../../../src/vault/tokens/token-cache.ts";
import type { CachedToken } from "../../../src/vault/tokens/token-cache.ts";

const byId = cacheKey("g_a");
const bySubject = cacheKey({ subject: "ada" });

/** A cache that holds the token of generation 2 of one grant, under two references. */
function memory(): TokenCache {
  const held = new TokenCache();
  for (const key of [byId, bySubject]) held.keep(key, known("g_a", 2), held.version);
  return held;
}

function known(grantId: string, generation: number): CachedToken {
  const token = new AccessToken(grantId, new Secret("ya29.a"), 3_600_000, []);
  const whose = { grantId, provider: "google", clientId: "1-a", issuer: "https://accounts.google.com" };
  return {
    ...whose,
    token,
    generation,
    life: { issuedAt: 0, expiresAt: 3_600_000, isRefreshable: true },
    refreshAt: 2_800_000,
    used: true,
  };
}

describe("the token cache", () => {
  const changes: readonly (readonly [
    string,
    string,
    number,
    GrantState,
    number | null,
    byId: boolean,
    bySubject: boolean,
    accessIssuedAt?: number,
  ])[] = [
    ["a change that it has seen already, such as a refresh of our own", "g_a", 2, "active", 3_600_000, true, true],
    ["a refresh by somebody else", "g_a", 3, "active", 3_600_000, false, false],
    ["an older state, from a restored backup", "g_a", 1, "active", 3_600_000, false, false],
    ["a consent that brought an access token alone", "g_a", 2, "active", 3_700_000, false, false],
    ["a consent whose access token ends at the same time", "g_a", 2, "active", 3_600_000, false, false, 60_000],
    ["a state without any token", "g_a", 2, "active", null, false, false],
    ["doubt", "g_a", 2, "suspect", 3_600_000, false, false],
    ["a lapse", "g_a", 2, "lapsed", 3_600_000, false, false],
    ["the beginning of a revocation", "g_a", 2, "revoking", 3_600_000, false, false],
    ["a revocation", "g_a", 2, "revoked", 3_600_000, false, false],
    // The other grant may be the same person's at another provider: the reference would then name both.
    ["another grant: references are looked up again", "g_b", 1, "active", 3_600_000, true, false],
  ];
  for (const [name, grantId, generation, state, accessExpiresAt, keepsToken, keepsReference, issued] of changes) {
    const accessIssuedAt = issued ?? 0;
    test(`the token cache ${keepsToken ? "keeps" : "forgets"} the token when told of ${name}`, () => {
      const held = memory();
      held.apply([{ grantId, generation, state, accessIssuedAt, accessExpiresAt }]);
      assert.equal(held.find(byId) !== undefined, keepsToken);
      assert.equal(held.find(bySubject) !== undefined, keepsReference);
    });
  }

  test("the token cache keeps its tokens when there is nothing to apply", () => {
    const held = memory();
    const { version } = held;
    held.apply([]);
    assert.equal(held.version, version);
    assert.ok(held.find(bySubject));
  });

  test("the token cache: a token that was read before the news of its end is not kept", () => {
    const held = new TokenCache();
    const { version } = held;
    held.apply([{ grantId: "g_a", generation: 2, state: "revoked", accessIssuedAt: null, accessExpiresAt: null }]);
    held.keep(byId, known("g_a", 2), version);
    assert.equal(held.find(byId), undefined);
  });
});
