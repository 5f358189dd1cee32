import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { Reason } from "../../src/core/diagnosis/reasons.ts";
import type { StandinOptions } from "../../src/standin/index.ts";
import { eventually } from "../support/eventually.ts";
import { bodyOf, dashboardService } from "../support/dashboard.ts";
import {
  assertExplained,
  assertSaidOfGrant,
  assertSaidOfLapsed,
  causeOf,
  explainedWords,
} from "../support/same-words.ts";
import { appData, sharedStandin, usualScope } from "../support/test-vault.ts";
import type { SharedStandin } from "../support/test-vault.ts";
import type { TestService } from "../support/test-service.ts";

const dayMs = 86_400_000;
const ada = "ada@example.com";

interface Place {
  readonly service: TestService;
  readonly shared: SharedStandin;
}

async function place(t: TestContext, settings: StandinOptions = {}): Promise<Place> {
  const shared = await sharedStandin(settings);
  t.after(() => shared.standin.close());
  return { shared, service: await dashboardService(t, { shared }) };
}

/** What the grant's JSON names as what may be behind its reason. */
async function causesOf({ service }: Place, grantId: string): Promise<readonly string[]> {
  const shown = await bodyOf<{ causes?: { reason: string }[] }>(await service.ask(`/v1/grants/${grantId}`));
  return (shown.causes ?? []).map(({ reason }) => reason);
}

/** A code's error over HTTP, what explain finds in it, and that the log has it. */
async function refusedCode(
  { service }: Place,
  code: string,
  source: string,
  expected: { readonly status: number; readonly error: string; readonly word: string },
): Promise<void> {
  const response = await service.ask("/v1/grants", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code, source }),
  });
  const body = await bodyOf(response, expected.status);
  assert.deepEqual([body["error"], body["provider_error"]], [expected.error, expected.word]);
  assert.ok(typeof body["hint"] === "string" && body["hint"] !== "", "a hint says what to do");
  const words = explainedWords(body);
  for (const word of [expected.error, expected.word]) assert.ok(words.includes(word), `explain knows ${word}`);
}

describe("the fifteen commonest mistakes with Google, made for real", () => {
  test("an app in Testing status: after three grants that died at seven days, each says that it is that", async (t) => {
    const made = await place(t, { testingMode: true });
    const { service, shared } = made;
    const people = ["one", "two", "three", "four"].map((name) => `${name}@example.com`);
    const grants = [];
    for (const email of people) grants.push(await service.grant(email));
    // Each is used in the days before, so that it is known that it worked until then.
    for (let day = 0; day < 7; day++) {
      shared.clock.advance(0.95 * dayMs);
      for (const { grantId } of grants) await (await service.ask(`/v1/grants/${grantId}/token`)).arrayBuffer();
    }
    shared.clock.advance(0.6 * dayMs);
    for (const { grantId } of grants) await (await service.ask(`/v1/grants/${grantId}/token`)).arrayBuffer();
    // What is inferred from others is read anew after half a minute.
    shared.clock.advance(60_000);
    const last = grants.at(-1);
    assert.ok(last !== undefined);
    await assertSaidOfGrant(service, last, "testing_status");
    const token = await bodyOf(await service.ask(`/v1/grants/${last.grantId}/token`), 409);
    assertExplained(token, causeOf("testing_status"), "our answer");
  });

  const unsaid: readonly {
    readonly what: string;
    readonly cause: Reason;
    readonly scope?: string;
    happens(place: Place, email: string): Promise<void> | void;
  }[] = [
    {
      what: "the person removed the app",
      cause: "removed_by_person",
      happens: ({ shared }, email) => {
        shared.standin.revoke(email);
      },
    },
    {
      what: "the password changed, and the app reads mail",
      cause: "password_changed",
      scope: `${usualScope} https://www.googleapis.com/auth/gmail.readonly`,
      happens: ({ shared }, email) => {
        shared.standin.changePassword(email);
      },
    },
    {
      what: "a hundred newer tokens of the same person pushed it out",
      cause: "too_many_refresh_tokens",
      happens: async ({ shared: { standin } }, email) => {
        const { clientId, clientSecret, url } = standin;
        for (let n = 0; n < 100; n++) {
          const code = standin.code({ email, force: true });
          const form = { client_id: clientId, client_secret: clientSecret, code, grant_type: "authorization_code" };
          await (await fetch(`${url}/token`, { method: "POST", body: new URLSearchParams(form) })).arrayBuffer();
        }
      },
    },
  ];
  for (const { what, cause, scope, happens } of unsaid) {
    test(`${what}: Google does not say so, so the reason is invalid_grant, and ${cause} among what may be behind it`, async (t) => {
      const made = await place(t);
      const { service, shared } = made;
      const grant = await service.grant(ada, scope);
      await happens(made, ada);
      shared.clock.advance(3_700_000);
      await assertSaidOfLapsed(service, grant, "invalid_grant");
      assert.ok(
        (await causesOf(made, grant.grantId)).includes(cause),
        (await causesOf(made, grant.grantId)).join(", "),
      );
    });
  }

  test("nobody used the token for six months", async (t) => {
    const made = await place(t);
    const { service, shared } = made;
    const grant = await service.grant();
    shared.standin.advance(200 * dayMs);
    const token = await service.ask(`/v1/grants/${grant.grantId}/token`);
    assert.equal(token.status, 409, await token.text());
    const shown = await bodyOf(await service.ask(`/v1/grants/${grant.grantId}`));
    const causes = await causesOf(made, grant.grantId);
    assert.ok(
      shown["reason"] === "refresh_token_unused" || causes[0] === "refresh_token_unused",
      `${String(shown["reason"])}: ${causes.join(", ")}`,
    );
  });

  for (const [what, refusal, reason] of [
    ["a Workspace administrator restricts the app", "admin_policy_enforced", "admin_policy_enforced"],
    ["Cloud session control asks for a new sign-in", "invalid_rapt", "session_control"],
    ["Cloud session control asks for a first sign-in", "rapt_required", "session_control"],
  ] as const) {
    test(`${what}: every place says ${reason}`, async (t) => {
      const { service, shared } = await place(t);
      const grant = await service.grant();
      shared.standin.settings({ refusal });
      shared.clock.advance(3_700_000);
      await assertSaidOfLapsed(service, grant, reason);
    });
  }

  for (const [what, breaks, reason] of [
    [
      "the secret was rotated",
      ({ standin }: SharedStandin): void => {
        standin.client({ clientId: standin.clientId, clientSecret: "another" });
      },
      "wrong_client_secret",
    ],
    [
      "the client was deleted",
      ({ standin }: SharedStandin): void => {
        standin.client({ clientId: standin.clientId, state: "deleted" });
      },
      "deleted_client",
    ],
    [
      "the project is disabled",
      ({ standin }: SharedStandin): void => {
        standin.client({ clientId: standin.clientId, state: "disabled" });
      },
      "disabled_client",
    ],
  ] as const) {
    test(`${what}: no grant is blamed or lost, and every place says ${reason}`, async (t) => {
      const { service, shared } = await place(t);
      const grant = await service.grant();
      breaks(shared);
      shared.clock.advance(3_700_000);
      const expected = causeOf(reason);
      const token = await bodyOf(await service.ask(`/v1/grants/${grant.grantId}/token`), 502);
      assert.equal(token["error"], "client_misconfigured");
      const shown = await assertSaidOfGrant(service, grant, reason);
      assert.equal(shown["state"], "active");
      // It is noted beside the answer, and not before it.
      const refused = await eventually(
        async () => {
          const { events } = await bodyOf<{ events: Record<string, unknown>[] }>(await service.ask("/v1/events"));
          return events.findLast(({ type }) => type === "client.refused");
        },
        (event) => event !== undefined,
      );
      assert.deepEqual(
        [refused?.["reason"], refused?.["depends_on"], refused?.["fix"]],
        [expected.reason, expected.depends_on, expected.fix],
        "the event",
      );
      assertExplained(shown, expected, "the grant's JSON");
    });
  }

  test("no refresh token ever came: the grant says so while it works, and when it ends", async (t) => {
    const { service, shared } = await place(t);
    const code = shared.standin.code({ email: ada, accessType: "online", kind: "redirect", redirectUri: redirect });
    const grant = await service.vault.exchangeCode({ code, source: "web-redirect", redirectUri: redirect });
    await assertSaidOfGrant(service, grant, "no_refresh_token");
    shared.clock.advance(3_700_000);
    // Nobody asks for its token: the event comes all the same.
    await eventually(
      async () => (await bodyOf<{ events: { type: string }[] }>(await service.ask("/v1/events"))).events,
      (events) => events.some(({ type }) => type === "grant.lapsed"),
      50,
    );
    await assertSaidOfLapsed(service, grant, "no_refresh_token");
  });

  test("boxes were left unticked, and a later consent covers less than the one before", async (t) => {
    const { service, shared } = await place(t);
    const code = shared.standin.code({ email: ada, scope: usualScope, grantedScopes: "openid email profile" });
    const grant = await service.vault.exchangeCode({ code, source: "android", scopes: usualScope.split(" ") });
    await assertSaidOfGrant(service, grant, "scopes_unticked");
    const full = await service.grant("carl@example.com");
    assert.deepEqual((await service.vault.grant(full)).scopes.includes(appData), true);
  });

  test("access that the person limited in time: the day is said before it comes", async (t) => {
    const { service } = await place(t, { refreshTokenTtlSeconds: 30 * 86_400 });
    const grant = await service.grant();
    const shown = await assertSaidOfGrant(service, grant, "consent_ends");
    assert.equal(typeof shown["reauthorize_before"], "string");
  });

  test("codes that cannot be exchanged: used twice, sent from the wrong source, of another client", async (t) => {
    const made = await place(t);
    const { standin } = made.shared;
    const used = standin.code({ email: ada });
    await made.service.vault.exchangeCode({ code: used, source: "android" });
    await refusedCode(made, standin.code({ email: ada, kind: "popup", origin: "http://127.0.0.1:8787" }), "android", {
      status: 400,
      error: "code_rejected",
      word: "redirect_uri_mismatch",
    });
    await refusedCode(made, "4/0-not-a-code-of-anybody", "android", {
      status: 400,
      error: "code_rejected",
      word: "invalid_grant",
    });
  });
});

const redirect = "http://127.0.0.1:8787/callback";
