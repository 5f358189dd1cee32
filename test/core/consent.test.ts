import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { afterConsent, scopeChange } from "../../src/core/consent.ts";
import type { HeldConsent } from "../../src/core/consent.ts";
import { grantStates } from "../../src/core/grant-state.ts";

const email = "https://www.googleapis.com/auth/userinfo.email";
const canonical = { email };
const held: HeldConsent = {
  state: "active",
  scopes: ["openid", email, "drive"],
  refreshToken: "good",
  accessLives: true,
};

describe("a consent beside what is held", () => {
  const sets = [
    ["the same", ["openid", "email", "drive"], "replace"],
    ["the same in another order", ["drive", email, "openid"], "replace"],
    ["more", ["openid", "email", "drive", "calendar"], "replace"],
    ["the same without openid, which is about the sign-in", ["email", "drive"], "replace"],
    ["less", ["openid", "email"], "keep"],
    ["less, and a sign-in scope more", ["openid", "email", "profile"], "keep"],
    ["something else, as without include_granted_scopes", ["openid", "email", "calendar"], "keep"],
    ["nothing in common", ["calendar"], "keep"],
    ["nothing", [], "keep"],
  ] as const;
  for (const [name, scopes, decision] of sets) {
    for (const offline of [true, false]) {
      test(`a consent for ${name}, ${offline ? "with" : "without"} a refresh token: ${decision}`, () => {
        assert.equal(afterConsent(held, { scopes, offline }, canonical), decision);
      });
    }
  }

  const conditions: readonly (readonly [string, Partial<HeldConsent>, boolean, "keep" | "replace"])[] = [
    ["is suspect, which is not dead", { state: "suspect" }, true, "keep"],
    ["has lapsed", { state: "lapsed" }, true, "replace"],
    ["has lapsed, though its access token lives", { state: "lapsed" }, false, "replace"],
    ["is being revoked", { state: "revoking" }, false, "replace"],
    ["is revoked", { state: "revoked" }, true, "replace"],
    ["has an access token that is dead or damaged", { accessLives: false }, false, "keep"],
    ["has a refresh token that does not open", { refreshToken: "damaged" }, false, "replace"],
    ["has no refresh token and a living access token", { refreshToken: "none" }, false, "keep"],
    ["has no refresh token, while one comes", { refreshToken: "none" }, true, "replace"],
    ["has nothing that lives", { refreshToken: "none", accessLives: false }, false, "replace"],
    ["covers nothing", { scopes: [] }, false, "replace"],
    ["covers the sign-in alone", { scopes: ["openid", "offline_access"] }, false, "replace"],
  ];
  for (const [name, change, offline, decision] of conditions) {
    test(`a consent for less, ${offline ? "with" : "without"} a refresh token, where the grant ${name}: ${decision}`, () => {
      assert.equal(afterConsent({ ...held, ...change }, { scopes: ["openid"], offline }, canonical), decision);
    });
  }

  test("a consent never takes from a grant with a good refresh token what it covers", () => {
    const scopes = fc.uniqueArray(fc.constantFrom("openid", "email", email, "a", "b", "c"));
    const state = fc.constantFrom(...grantStates);
    fc.assert(
      fc.property(scopes, scopes, state, fc.boolean(), fc.boolean(), (before, after, now, accessLives, offline) => {
        const grant: HeldConsent = { state: now, scopes: before, refreshToken: "good", accessLives };
        const isUsed = now === "active" || now === "suspect";
        const { lost } = scopeChange({ scopes: before, missing: [] }, after, canonical);
        const decision = afterConsent(grant, { scopes: after, offline }, canonical);
        assert.equal(decision, isUsed && lost.length > 0 ? "keep" : "replace");
      }),
    );
  });
});

describe("scopeChange", () => {
  test("scopeChange remembers what was lost until it is back, under either name", () => {
    const first = scopeChange({ scopes: ["openid", "email", "drive"], missing: [] }, ["openid"], canonical);
    assert.deepEqual(first, { gained: [], lost: [email, "drive"], missing: [email, "drive"] });
    const second = scopeChange({ scopes: ["openid"], missing: first.missing }, ["openid", "email"], canonical);
    assert.deepEqual(second, { gained: [email], lost: [], missing: ["drive"] });
    const third = scopeChange({ scopes: ["email"], missing: second.missing }, ["email", "drive"], canonical);
    assert.deepEqual(third.missing, []);
  });
});
