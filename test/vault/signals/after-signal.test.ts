import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { grantStates } from "../../../src/core/grant-state.ts";
import type { GrantState } from "../../../src/core/grant-state.ts";
import { securityEventTypes } from "../../../src/oauth/security-event-token/event-types.ts";
import type { SecurityEventType } from "../../../src/oauth/security-event-token/event-types.ts";
import { effectOf, isStronger, provenAfterMs } from "../../../src/vault/signals/after-signal.ts";
import type { GrantStanding, SaidOfGrant } from "../../../src/vault/signals/after-signal.ts";

const happenedAt = Date.parse("2026-11-22T12:00:00Z");

/** What each kind of event does to a grant with a refresh token, by the grant's state. `-`: nothing at all. */
const table = `
                                    active  suspect lapsed  revoking revoked
tokens-revoked                      lapse   lapse   note    -        -
token-revoked                       lapse   lapse   note    -        -
account-purged                      lapse   lapse   note    -        -
sessions-revoked                    suspect suspect note    -        -
session-revoked                     suspect suspect note    -        -
account-disabled                    suspect suspect note    -        -
account-credential-change-required  suspect suspect note    -        -
credential-compromise               suspect suspect note    -        -
credential-change                   suspect suspect note    -        -
token-claims-change                 suspect suspect note    -        -
assurance-level-change              suspect suspect note    -        -
device-compliance-change            suspect suspect note    -        -
account-enabled                     note    look    look    -        -
identifier-changed                  note    note    note    -        -
identifier-recycled                 note    note    note    -        -
recovery-activated                  note    note    note    -        -
recovery-information-changed        note    note    note    -        -
opt-in                              note    note    note    -        -
opt-out-initiated                   note    note    note    -        -
opt-out-cancelled                   note    note    note    -        -
opt-out-effective                   note    note    note    -        -
session-established                 note    note    note    -        -
session-presented                   note    note    note    -        -
risk-level-change                   note    note    note    -        -
verification                        note    note    note    -        -
stream-updated                      note    note    note    -        -
`;
const [header = "", ...lines] = table.trim().split("\n");
const states = header.trim().split(/\s+/) as GrantState[];
const rows = lines.map((line) => line.split(/\s+/) as [SecurityEventType, ...string[]]);

function grant(more: Partial<GrantStanding> = {}): GrantStanding {
  const refreshSealed = new Uint8Array([1]);
  return { state: "active", reason: null, refreshSealed, accessIssuedAt: happenedAt - 3_600_000, ...more };
}

function said(type: SecurityEventType, more: Partial<SaidOfGrant> = {}): SaidOfGrant {
  return { type, happenedAt, by: "person", ...more };
}

describe("what a security event does to a grant", () => {
  test("the table has every kind of event and every state of a grant", () => {
    assert.deepEqual(rows.map(([type]) => type).sort(), [...securityEventTypes].sort());
    assert.deepEqual([...states].sort(), [...grantStates].sort());
  });

  for (const [type, ...cells] of rows) {
    for (const [n, state] of states.entries()) {
      const expected = cells[n] === "-" ? "nothing" : cells[n];
      test(`${type} and a grant that is ${state}: ${expected}`, () => {
        assert.equal(effectOf(said(type), grant({ state })), expected);
      });
    }
  }

  test("a grant without a refresh token can be asked nothing: it ends with its consent, and is left alone otherwise", () => {
    for (const [type, active] of rows) {
      const expected = active === "lapse" ? "lapse" : "note";
      assert.equal(effectOf(said(type), grant({ refreshSealed: null })), expected, type);
    }
    assert.equal(effectOf(said("account-enabled"), grant({ state: "lapsed", refreshSealed: null })), "note");
  });

  test("what is about one session, one device or another grant's token ends no grant: the provider is asked", () => {
    for (const type of ["tokens-revoked", "token-revoked", "account-purged"] as const) {
      assert.equal(effectOf(said(type, { by: "part" }), grant()), "suspect");
      assert.equal(effectOf(said(type, { by: "part" }), grant({ refreshSealed: null })), "note");
    }
  });

  test("a consent that is newer than the event is not ended by it", () => {
    const after = (ms: number, by: SaidOfGrant["by"]): string =>
      effectOf(said("tokens-revoked", { by }), grant({ accessIssuedAt: happenedAt + ms }));
    assert.equal(after(0, "person"), "lapse");
    assert.equal(after(999, "person"), "lapse", "in the second in which it happened");
    assert.equal(after(1_000, "person"), "suspect");
    assert.equal(after(provenAfterMs, "person"), "suspect");
    assert.equal(after(provenAfterMs + 1_000, "person"), "note");
    assert.equal(after(provenAfterMs + 1_000, "token"), "suspect", "it is this very token all the same");
  });

  test("an event that was delivered late does not make a grant suspect that the provider has refreshed since", () => {
    assert.equal(effectOf(said("sessions-revoked"), grant({ accessIssuedAt: happenedAt + 60_000 })), "suspect");
    assert.equal(effectOf(said("sessions-revoked"), grant({ accessIssuedAt: happenedAt + 601_000 })), "note");
  });

  test("an account that is enabled again brings no grant back whose refresh token was replaced and lost", () => {
    const look = (reason: GrantStanding["reason"]): string =>
      effectOf(said("account-enabled"), grant({ state: "lapsed", reason }));
    assert.equal(look("invalid_grant"), "look");
    assert.equal(look("ended_by_provider"), "look");
    assert.equal(look("crash_ambiguous_rotation"), "note");
    assert.equal(look("no_refresh_token"), "note");
  });

  test("what makes an account safer is only noted", () => {
    assert.equal(effectOf(said("credential-change", { change: "create" }), grant()), "note");
    assert.equal(effectOf(said("credential-change", { change: "delete" }), grant()), "suspect");
    assert.equal(effectOf(said("assurance-level-change", { change: "increase" }), grant()), "note");
    assert.equal(effectOf(said("device-compliance-change", { status: "compliant" }), grant()), "note");
    assert.equal(effectOf(said("device-compliance-change", { status: "not-compliant" }), grant()), "suspect");
  });

  test("of several effects on one grant the strongest counts", () => {
    assert.deepEqual(
      (["look", "lapse", "nothing", "note", "suspect"] as const).toSorted((a, b) => (isStronger(a, b) ? -1 : 1)),
      ["lapse", "suspect", "look", "note", "nothing"],
    );
  });
});
