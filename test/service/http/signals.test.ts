import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sharedStandin } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";
import { testService } from "../../support/test-service.ts";

describe("POST /risc", () => {
  let shared: SharedStandin;
  before(async () => {
    shared = await sharedStandin();
  });
  after(() => shared.standin.close());

  const media = { "content-type": "application/secevent+jwt", authorization: "" };

  test("an event is taken with 202 and no body, and so is the same one again", async (t) => {
    const service = await testService(t, { shared });
    const grant = await service.grant();
    shared.clock.advance(60_000);
    const set = shared.standin.risc({ type: "tokens-revoked", email: grant.profile.email ?? "" });
    for (const what of ["first", "again"]) {
      const response = await service.ask("/risc", { method: "POST", headers: media, body: set });
      assert.deepEqual([response.status, await response.text()], [202, ""], what);
    }
    const token = await service.ask(`/v1/grants/${grant.grantId}/token`);
    const body = (await token.json()) as Record<string, unknown>;
    assert.deepEqual(
      [token.status, body["error"], body["reason"]],
      [409, "reauthorization_required", "ended_by_provider"],
    );
    assert.deepEqual(service.faults, []);
  });

  test("an event of a type that nobody knows is taken, and changes nothing", async (t) => {
    const service = await testService(t, { shared });
    const grant = await service.grant();
    const type = "https://schemas.example/event-type/something-new";
    const set = shared.standin.risc({ type, email: grant.profile.email ?? "" });
    const response = await service.ask("/risc", { method: "POST", headers: media, body: set });
    assert.deepEqual([response.status, (await service.vault.grant(grant)).state], [202, "active"]);
    assert.deepEqual(service.faults, []);
  });

  test("a refusal is 400 with RFC 8935's words, and says nothing of the token", async (t) => {
    const service = await testService(t, { shared });
    const set = shared.standin.risc({ type: "verification", state: "s" });
    const [head = "", body = ""] = set.split(".");
    const aMonthAgo = Math.floor(shared.clock.now() / 1000) - 30 * 86_400;
    const refused: readonly (readonly [string, string, Record<string, string>, string])[] = [
      ["another media type", set, { "content-type": "application/json" }, "invalid_request"],
      ["no media type", set, { "content-type": "" }, "invalid_request"],
      ["nothing", "", {}, "invalid_request"],
      ["no token", "hello", {}, "invalid_request"],
      ["more than any token", "e".repeat(20_000), {}, "invalid_request"],
      ["a forged signature", `${head}.${body}.${"A".repeat(342)}`, {}, "authentication_failed"],
      [
        "one that somebody else signed",
        shared.standin.risc({ type: "verification", flaw: "forged" }),
        {},
        "authentication_failed",
      ],
      ["an unknown key", shared.standin.risc({ type: "verification", flaw: "unknown_key" }), {}, "invalid_key"],
      ["one of last month", shared.standin.risc({ type: "verification", iat: aMonthAgo }), {}, "invalid_request"],
      ["a foreign audience", shared.standin.risc({ type: "verification", aud: "9-x" }), {}, "invalid_audience"],
      [
        "an issuer nobody trusts",
        shared.standin.risc({ type: "verification", iss: "https://e.example/" }),
        {},
        "invalid_issuer",
      ],
    ];
    for (const [what, sent, headers, err] of refused) {
      const response = await service.ask("/risc", { method: "POST", headers: { ...media, ...headers }, body: sent });
      const { err: given, description, ...rest } = (await response.json()) as Record<string, unknown>;
      assert.deepEqual([response.status, given, rest], [400, err, {}], what);
      assert.equal(response.headers.get("content-type"), "application/json", what);
      assert.equal(typeof description, "string", what);
    }
    assert.deepEqual(service.faults, []);
  });

  test("while the store or the keys are away the transmitter is told to come again", async (t) => {
    const service = await testService(t, { shared });
    const set = shared.standin.risc({ type: "verification", state: "later" });
    shared.standin.fault("GET", "/oauth2/v3/certs", { times: 1, status: 503 });
    const send = (): Promise<Response> => service.ask("/risc", { method: "POST", headers: media, body: set });
    const first = await send();
    assert.deepEqual([first.status, first.headers.has("retry-after")], [503, true]);
    shared.clock.advance(60_000);
    await service.store.close();
    const second = await send();
    assert.deepEqual([second.status, second.headers.has("retry-after")], [503, true]);
    await service.store.open({ clock: shared.clock });
    assert.equal((await send()).status, 202);
  });

  test("whoever sends slowly keeps no transmitter out", async (t) => {
    const service = await testService(t, { shared });
    const handler = service.vault.signalHandler();
    const sent = (body: string | ReadableStream): Promise<Response> =>
      handler(new Request("https://vault.example/risc", { method: "POST", headers: media, body, duplex: "half" }));
    const bodies = Array.from({ length: 100 }, () => Promise.withResolvers<void>());
    const slow = bodies.map(({ promise }) =>
      sent(new ReadableStream({ pull: (body) => promise.then(() => body.close()) })),
    );
    const set = shared.standin.risc({ type: "verification", state: "in between" });
    assert.equal((await sent(set)).status, 202);
    for (const { resolve } of bodies) resolve();
    // All at once: those beyond the bound are told to come again.
    assert.deepEqual(new Set((await Promise.all(slow)).map(({ status }) => status)), new Set([400, 503]));
  });

  test("another method is not there", async (t) => {
    const service = await testService(t, { shared });
    const response = await service.ask("/risc", { headers: { authorization: "" } });
    assert.deepEqual([response.status, response.headers.get("allow")], [405, "POST"]);
  });
});
