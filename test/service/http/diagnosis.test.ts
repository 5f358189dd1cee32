import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { findTerms } from "../../../src/cli/explain/find-terms.ts";
import { termsOf } from "../../../src/cli/explain/terms.ts";
import { diagnosisFacts } from "../../../src/cli/grants/diagnosis-facts.ts";
import { reasons } from "../../../src/core/diagnosis/reasons.ts";
import type { Reason } from "../../../src/index.ts";
import { testService } from "../../support/test-service.ts";
import type { TestService } from "../../support/test-service.ts";

const page = (name: string): string => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8");
const terms = termsOf({ errors: page("errors.md"), library: page("library.md"), operations: page("operations.md") });
const drive = "openid email https://www.googleapis.com/auth/drive.file";
const hour = 3_600_000;
const day = 24 * hour;

interface Mistake {
  readonly reason: Reason;
  /** What Google answers, as a developer would paste it. */
  readonly raw?: string;
  readonly event: "grant.lapsed" | "client.refused";
  /** Brings it about. @returns the grant that has it */
  readonly happens: (service: TestService) => Promise<string>;
}

async function refusedByRule(
  { fixture, grant }: TestService,
  refusal: "invalid_rapt" | "admin_policy_enforced",
): Promise<string> {
  const { grantId } = await grant(undefined, drive);
  fixture.clock.advance(2 * hour);
  fixture.standin.settings({ refusal });
  return grantId;
}

const wrongSecret = '{"error":"invalid_client","error_description":"The provided client secret is invalid."}';
const deletedClient = '{"error":"deleted_client","error_description":"The OAuth client was deleted."}';

/** Every refresh is answered so. */
async function refusedWith({ fixture, grant }: TestService, raw: string): Promise<string> {
  const { grantId } = await grant(undefined, drive);
  fixture.clock.advance(2 * hour);
  fixture.standin.fault("POST", "/token", { status: 401, body: JSON.parse(raw) as object, times: "always" });
  return grantId;
}

/** What has happened, as soon as one of this type is among it: that of a refused client is written a moment later. */
async function eventsUntil({ ask }: TestService, type: string): Promise<readonly Record<string, unknown>[]> {
  const all: Record<string, unknown>[] = [];
  for (let after = 0; !all.some((each) => each["type"] === type);) {
    const page = await (await ask(`/v1/events?limit=500&after=${after}&wait_seconds=20`)).json();
    const { events, next } = page as { events: Record<string, unknown>[]; next: number };
    if (events.length === 0) break;
    all.push(...events);
    after = next;
  }
  return all;
}

const mistakes: Readonly<Record<string, Mistake>> = {
  "the person has removed the app": {
    reason: "invalid_grant",
    raw: '{"error":"invalid_grant","error_description":"Token has been expired or revoked."}',
    event: "grant.lapsed",
    happens: async ({ fixture, grant }) => {
      const { grantId } = await grant("ada@example.com", drive);
      fixture.clock.advance(2 * hour);
      fixture.standin.revoke("ada@example.com");
      return grantId;
    },
  },
  "a session rule asks for the person": {
    reason: "session_control",
    raw: '{"error":"invalid_grant","error_subtype":"invalid_rapt","error_description":"reauth related error (invalid_rapt)"}',
    event: "grant.lapsed",
    happens: (service) => refusedByRule(service, "invalid_rapt"),
  },
  "an administrator restricts a scope": {
    reason: "admin_policy_enforced",
    raw: '{"error":"admin_policy_enforced"}',
    event: "grant.lapsed",
    happens: (service) => refusedByRule(service, "admin_policy_enforced"),
  },
  "the client's secret is wrong": {
    reason: "wrong_client_secret",
    raw: wrongSecret,
    event: "client.refused",
    happens: (service) => refusedWith(service, wrongSecret),
  },
  "the client was deleted": {
    reason: "deleted_client",
    raw: deletedClient,
    event: "client.refused",
    happens: (service) => refusedWith(service, deletedClient),
  },
  "the app is in Testing status": {
    reason: "testing_status",
    event: "grant.lapsed",
    happens: async ({ fixture, grant, ask }) => {
      fixture.standin.settings({ testingMode: true });
      const people = [await grant(undefined, drive), await grant(undefined, drive), await grant(undefined, drive)];
      const ids = people.map(({ grantId }) => grantId);
      for (let hours = 0; hours < 7 * 24; hours += 12) {
        fixture.clock.advance(12 * hour);
        for (const id of ids) await ask(`/v1/grants/${id}/token`);
      }
      fixture.clock.advance(day / 8);
      for (const id of ids) await ask(`/v1/grants/${id}/token`);
      return ids[2] ?? "";
    },
  },
};

describe("one cause and one fix, wherever somebody looks", () => {
  for (const [what, { reason, raw, event, happens }] of Object.entries(mistakes)) {
    test(`one cause and one fix, wherever somebody looks: ${what}`, async (t) => {
      const service = await testService(t);
      const { ask, vault, fixture } = service;
      const grantId = await happens(service);
      const refused = (await (await ask(`/v1/grants/${grantId}/token`)).json()) as Record<string, unknown>;
      const shown = (await (await ask(`/v1/grants/${grantId}`)).json()) as Record<string, unknown>;
      const { fix, depends_on: dependsOn } = shown;
      assert.equal(shown["reason"], reason);
      assert.ok(Array.isArray(shown["evidence"]) && shown["evidence"].length > 0);
      if (event === "grant.lapsed") {
        assert.deepEqual([refused["reason"], refused["fix"], refused["depends_on"]], [reason, fix, dependsOn]);
      } else assert.equal(refused["error"], "client_misconfigured");

      const events = await eventsUntil(service, event);
      const told = events.filter(({ type, grant_id: id }) => type === event && (id === undefined || id === grantId));
      assert.equal(told.length, 1);
      assert.deepEqual([told[0]?.["reason"], told[0]?.["fix"], told[0]?.["depends_on"]], [reason, fix, dependsOn]);
      if (event === "grant.lapsed") {
        assert.deepEqual(told[0]?.["evidence"], shown["evidence"]);
        const logged = fixture.events.find((each) => each.type === "lapsed" && each.grantId === grantId);
        assert.ok(logged?.type === "lapsed");
        assert.deepEqual([logged.reason, logged.fix], [reason, fix]);
      }

      const printed = diagnosisFacts(await vault.grant(grantId));
      assert.match(new Map(printed).get("reason") ?? "", new RegExp(`^${reason}\\b`));
      const lines = new Set(printed.map(([, line = ""]) => line.replace(/^\d\. /, "")));
      for (const { what: step } of reasons[reason].steps) assert.ok(lines.has(step), step);

      const own = findTerms(JSON.stringify(shown), terms).find(({ word }) => word === reason);
      assert.deepEqual([own?.dependsOn, own?.fix], [dependsOn, fix]);
      if (raw === undefined) return;
      const theirs = findTerms(raw, terms).at(-1);
      assert.deepEqual(
        [theirs?.dependsOn, theirs?.fix],
        [dependsOn, fix],
        "what explain says of the provider's own answer",
      );
    });
  }
});
