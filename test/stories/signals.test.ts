import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { SignJWT, importPKCS8 } from "jose";
import { eventually } from "../support/eventually.ts";
import { testService } from "../support/test-service.ts";
import { sharedStandin } from "../support/test-vault.ts";
import type { SharedStandin } from "../support/test-vault.ts";
import { riscAudience } from "../../src/standin/google/state/risc-stream.ts";

const push = "https://schemas.openid.net/secevent/risc/delivery-method/push";

describe("a person's account at the provider", () => {
  let shared: SharedStandin;
  before(async () => {
    shared = await sharedStandin();
  });
  after(() => shared.standin.close());

  /** Asks the stream's API, as the service account. */
  async function api(path: string, body: object, claims: object = {}): Promise<number> {
    const { standin, clock } = shared;
    const file = (await (await fetch(`${standin.url}/standin/service_account.json`)).json()) as Record<string, string>;
    const iat = Math.floor(clock.now() / 1000);
    const email = file["client_email"] ?? "";
    const bearer = await new SignJWT({ iss: email, sub: email, aud: riscAudience, iat, exp: iat + 3_600, ...claims })
      .setProtectedHeader({ alg: "RS256" })
      .sign(await importPKCS8(file["private_key"] ?? "", "RS256"));
    const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
    const response = await fetch(`${standin.url}/v1beta/${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    await response.arrayBuffer();
    return response.status;
  }

  const register = (url: string): Promise<number> =>
    api("stream:update", { delivery: { delivery_method: push, url }, events_requested: [] });

  test("a person removes the app: a signal comes, and the grant has lapsed, with evidence, before any refresh was tried", async (t) => {
    const service = await testService(t, { shared });
    assert.equal(await register(`${service.url}/risc`), 200);
    const [ada, carl] = [await service.grant("ada@example.com"), await service.grant("carl@example.com")];
    shared.clock.advance(120_000);
    service.fixture.newRequests();
    shared.standin.revoke("ada@example.com");
    const shown = await eventually(
      async () => (await (await service.ask(`/v1/grants/${ada.grantId}`)).json()) as Record<string, unknown>,
      ({ state }) => state === "lapsed",
    );
    assert.deepEqual(
      [shown["reason"], (shown["last_error"] as Record<string, unknown>)["error"]],
      ["ended_by_provider", "tokens-revoked"],
    );
    assert.deepEqual(service.fixture.newRequests(), [], "nobody asked the token endpoint");
    const events = (await (await service.ask(`/v1/events?grant=${ada.grantId}`)).json()) as {
      events: Record<string, unknown>[];
    };
    const last = events.events.at(-1) ?? {};
    assert.deepEqual(
      [last["type"], last["reason"], last["depends_on"]],
      ["grant.lapsed", "ended_by_provider", "person"],
    );
    const token = await service.ask(`/v1/grants/${carl.grantId}/token`);
    assert.equal(token.status, 200, "the other person's grant works");
    assert.deepEqual(service.faults, []);
  });

  test("a signal that finds the service away comes again, and is taken once", async (t) => {
    const service = await testService(t, { shared });
    let seen = 0;
    const front = createServer((request, response) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        seen += 1;
        if (seen <= 2) return response.writeHead(503).end();
        const headers = { "content-type": request.headers["content-type"] ?? "" };
        const answer = await fetch(`${service.url}/risc`, { method: "POST", headers, body: Buffer.concat(chunks) });
        return response.writeHead(answer.status).end(await answer.text());
      })();
    });
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    t.after(() => front.close());
    const address = front.address();
    assert.ok(typeof address === "object" && address !== null);
    await register(`http://127.0.0.1:${address.port}/risc`);
    const grant = await service.grant();
    shared.clock.advance(60_000);
    shared.standin.changePassword(grant.profile.email ?? "");
    await eventually(
      () => service.vault.grant(grant),
      ({ state }) => state === "suspect",
    );
    assert.equal(seen, 3);
  });

  test("a stream is changed by its service account alone, with a token of exactly an hour", async () => {
    const url = "http://127.0.0.1:1/risc";
    const body = { delivery: { delivery_method: push, url }, events_requested: [] };
    for (const claims of [
      { aud: "https://elsewhere.example" },
      { exp: Math.floor(shared.clock.now() / 1000) + 7_200 },
      { sub: "x" },
    ]) {
      assert.equal(await api("stream:update", body, claims), 401, JSON.stringify(claims));
    }
    assert.equal(await api("stream:update", { delivery: { delivery_method: "poll", url } }), 400);
    assert.equal(await register("https://vault.example.com/risc"), 400, "the stand-in calls this machine alone");
    assert.equal(await api("stream/status:update", { status: "disabled" }), 200);
    assert.equal(await api("stream/status:update", { status: "enabled" }), 200);
  });

  test("a thousand events that come at once, each twice, are each taken once", async (t) => {
    const service = await testService(t, { shared });
    const grants = [await service.grant(), await service.grant()];
    shared.clock.advance(60_000);
    const sets = Array.from({ length: 1_000 }, (_, n) =>
      shared.standin.risc({ type: "sessions-revoked", email: grants[n % 2]?.profile.email ?? "" }),
    );
    const queue = [...sets, ...sets];
    const statuses: number[] = [];
    const headers = { "content-type": "application/secevent+jwt" };
    const deliver = async (): Promise<void> => {
      for (let body = queue.pop(); body !== undefined; body = queue.pop()) {
        const response = await fetch(`${service.url}/risc`, { method: "POST", headers, body });
        await response.arrayBuffer();
        statuses.push(response.status);
      }
    };
    const begun = performance.now();
    await Promise.all(Array.from({ length: 16 }, deliver));
    t.diagnostic(`1,000 events, each twice, in ${Math.round(performance.now() - begun)} ms`);
    assert.deepEqual([...new Set(statuses)], [202]);
    const taken = service.fixture.events.filter(({ type }) => type === "signal_taken");
    assert.equal(taken.length, 1_000);
    for (const grant of grants) assert.equal((await service.vault.grant(grant)).state, "suspect");
    assert.deepEqual(service.faults, []);
  });
});
