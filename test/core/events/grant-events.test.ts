import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { array, assert as check, constantFrom, property } from "fast-check";
import { grantEvents } from "../../../src/core/events/grant-events.ts";
import type { GrantAfter } from "../../../src/core/events/grant-events.ts";
import { reasons } from "../../../src/core/diagnosis/reasons.ts";
import { grantStates } from "../../../src/core/grant-state.ts";
import type { GrantState } from "../../../src/core/grant-state.ts";

const grant: GrantAfter = {
  grantId: "g_1",
  provider: "google",
  clientId: "client-1",
  state: "active",
  scope: "openid email",
  reason: null,
  stateSince: 1_000,
  generation: 3,
  lastError: null,
  lastErrorSays: null,
  lastErrorAt: null,
  doubt: null,
  isOffline: true,
};

describe("which change of a grant gives which event", () => {
  const told: readonly (readonly [GrantState, GrantState, string | undefined])[] = [
    ["active", "active", undefined],
    ["active", "suspect", "grant.suspect"],
    ["active", "lapsed", "grant.lapsed"],
    ["active", "revoking", undefined],
    ["suspect", "active", "grant.recovered"],
    ["suspect", "suspect", undefined],
    ["suspect", "lapsed", "grant.lapsed"],
    ["lapsed", "active", "grant.recovered"],
    ["lapsed", "suspect", "grant.suspect"],
    ["lapsed", "revoking", undefined],
    ["revoking", "revoked", "grant.revoked"],
    ["revoking", "active", "grant.recovered"],
    ["revoked", "active", "grant.recovered"],
  ];
  for (const [before, after, type] of told) {
    test(`a grant that was ${before} and is ${after} gives ${type ?? "no event"}`, () => {
      const events = grantEvents({ state: before, scope: grant.scope }, { ...grant, state: after });
      assert.deepEqual(
        events.map((event) => event.type),
        type === undefined ? [] : [type],
      );
    });
  }

  test("a new grant gives one event, which says whether access goes on while the person is away", () => {
    const [event, ...more] = grantEvents(undefined, { ...grant, isOffline: false });
    assert.deepEqual(event?.body, { offline: false });
    assert.deepEqual(more, []);
  });

  test("a lapse says why, and what the provider said", () => {
    const lapsed = {
      ...grant,
      state: "lapsed",
      reason: "invalid_grant",
      lastError: "invalid_grant",
      lastErrorAt: 900,
    } as const;
    const [event] = grantEvents({ state: "suspect", scope: grant.scope }, lapsed);
    const { dependsOn, fix } = reasons.invalid_grant;
    const evidence = [
      {
        at: "1970-01-01T00:00:00.900Z",
        what: "the provider answered invalid_grant to the refresh token of generation 3",
      },
    ];
    const why = { reason: "invalid_grant", evidence, dependsOn, fix };
    assert.deepEqual(event?.body, { ...why, error: "invalid_grant", was: "suspect" });
  });

  test("a lapse of which more is known says that, and not the word that is kept with the grant", () => {
    const { dependsOn, fix } = reasons.testing_status;
    const evidence = [{ at: new Date(5), what: "three died" }];
    const why = { reason: "testing_status", evidence, dependsOn, fix } as const;
    const lapsed = { ...grant, state: "lapsed", reason: "invalid_grant" } as const;
    const [event] = grantEvents({ state: "active", scope: grant.scope }, lapsed, undefined, why);
    const told = { reason: "testing_status", evidence: [{ at: "1970-01-01T00:00:00.005Z", what: "three died" }] };
    assert.deepEqual(event?.body, { ...told, dependsOn, fix, was: "active" });
  });

  test("scopes in another order are the same scopes, and a recovery with others is told as both", () => {
    const before = { state: "lapsed", scope: "email openid" } as const;
    assert.deepEqual(
      grantEvents(before, grant).map(({ type }) => type),
      ["grant.recovered"],
    );
    const [recovered, changed] = grantEvents(before, { ...grant, scope: "openid drive" });
    assert.deepEqual(recovered?.body, { was: "lapsed" });
    assert.deepEqual(changed?.body, { gained: ["drive"], lost: ["email"] });
  });
});

test("a change gives an event only where the state or the scopes have changed", () => {
  const scopes = array(constantFrom("openid", "email", "drive"), { maxLength: 4 }).map((each) => each.join(" "));
  check(
    property(constantFrom(...grantStates), scopes, constantFrom(...grantStates), scopes, (from, had, state, scope) => {
      const events = grantEvents({ state: from, scope: had }, { ...grant, state, scope });
      if (from === state && had === scope) assert.deepEqual(events, []);
    }),
  );
});
