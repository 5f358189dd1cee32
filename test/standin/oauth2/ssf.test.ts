import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { createLocalJWKSet, jwtVerify } from "jose";
import type { JSONWebKeySet } from "jose";
import type { OAuth2Standin } from "../../../src/standin/index.ts";
import { eventually } from "../../support/eventually.ts";
import { control, json } from "../talk.ts";
import { granted, provider } from "./talk.ts";

const push = "urn:ietf:rfc:8935";

/** A program of this machine that takes what is delivered, and answers with the next of these, else 202. */
async function receiver(
  t: TestContext,
  answers: number[] = [],
): Promise<{ url: string; taken: { set: string; authorization: string | undefined }[] }> {
  const taken: { set: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const status = answers.shift() ?? 202;
      if (status < 500) {
        taken.push({ set: Buffer.concat(chunks).toString(), authorization: request.headers.authorization });
      }
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { url: `http://127.0.0.1:${address.port}/risc`, taken };
}

/** Asks the API of streams. */
async function api(
  standin: OAuth2Standin,
  method: string,
  path: string,
  body?: object,
  token?: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const own = (await (await fetch(`${standin.url}/standin/ssf_token`)).text()).trim();
  const response = await fetch(`${standin.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token ?? own}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown> };
}

const revoked = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

describe("a transmitter of security events, in the kind oauth2", () => {
  test("a receiver finds the API by its configuration, and makes, changes and ends its one stream", async (t) => {
    await using standin = await provider();
    const { url } = await receiver(t);
    const { body: found } = await json(await fetch(`${standin.url}/.well-known/ssf-configuration`));
    assert.deepEqual([found["issuer"], found["delivery_methods_supported"]], [standin.issuer, [push]]);
    const path = new URL(String(found["configuration_endpoint"])).pathname;
    assert.deepEqual((await api(standin, "GET", path)).body, []);
    const wanted = {
      delivery: { method: push, endpoint_url: url },
      events_requested: [revoked, "https://x.example/y"],
    };
    const made = await api(standin, "POST", path, wanted);
    assert.deepEqual(
      [made.status, made.body["events_delivered"]],
      [201, [revoked]],
      "what nobody has is not delivered",
    );
    assert.equal((await api(standin, "POST", path, wanted)).status, 409, "one receiver has one stream");
    const id = String(made.body["stream_id"]);
    const changed = await api(standin, "PATCH", path, { stream_id: id, events_requested: [] });
    assert.deepEqual(
      [changed.status, changed.body["events_requested"], changed.body["delivery"]],
      [200, [], { method: push, endpoint_url: url }],
    );
    assert.equal((await api(standin, "PATCH", path, { stream_id: "another" })).status, 404);
    assert.deepEqual((await api(standin, "GET", `/ssf/status?stream_id=${id}`)).body["status"], "enabled");
    assert.equal((await api(standin, "DELETE", `${path}?stream_id=${id}`)).status, 204);
    assert.equal((await api(standin, "GET", `/ssf/status?stream_id=${id}`)).status, 404);
  });

  test("nobody without the receiver's token learns of a stream, and no stream leads off this machine", async () => {
    await using standin = await provider();
    for (const [method, path] of [
      ["GET", "/ssf/streams"],
      ["POST", "/ssf/streams"],
      ["GET", "/ssf/status"],
      ["POST", "/ssf/verification"],
    ] as const) {
      assert.equal((await api(standin, method, path, undefined, "another")).status, 401, `${method} ${path}`);
    }
    for (const delivery of [
      undefined,
      { method: "urn:ietf:rfc:8936" },
      { method: push },
      { method: push, endpoint_url: "https://vault.example.com/risc" },
      { method: push, endpoint_url: 5 },
    ]) {
      assert.equal((await api(standin, "POST", "/ssf/streams", { delivery })).status, 400, JSON.stringify(delivery));
    }
  });

  test("events are signed with the published keys, come again until they are taken, and wait while a stream is paused", async (t) => {
    await using standin = await provider();
    const { url, taken } = await receiver(t, [503]);
    const delivery = { method: push, endpoint_url: url, authorization_header: "Bearer of-the-receiver" };
    const { body } = await api(standin, "POST", "/ssf/streams", { delivery, events_requested: [revoked] });
    const stream = { stream_id: body["stream_id"] };
    assert.equal((await api(standin, "POST", "/ssf/verification", { ...stream, state: "mine" })).status, 204);
    await eventually(
      () => Promise.resolve(taken),
      ({ length }) => length === 1,
    );
    const keys = (await json(await fetch(`${standin.url}/ssf/jwks.json`))).body as unknown as JSONWebKeySet;
    const read = await jwtVerify(taken[0]?.set ?? "", createLocalJWKSet(keys), {
      issuer: standin.issuer,
      audience: standin.clientId,
      typ: "secevent+jwt",
    });
    assert.deepEqual(read.payload["events"], {
      "https://schemas.openid.net/secevent/ssf/event-type/verification": { state: "mine" },
    });
    assert.equal(taken[0]?.authorization, "Bearer of-the-receiver");
    await api(standin, "POST", "/ssf/status", { ...stream, status: "paused" });
    await granted(standin);
    standin.revoke("ada@example.com");
    // Had it gone out at once, the first address would have it.
    const later = await receiver(t);
    const elsewhere = { method: push, endpoint_url: later.url };
    await api(standin, "PATCH", "/ssf/streams", { ...stream, delivery: elsewhere });
    await api(standin, "POST", "/ssf/status", { ...stream, status: "enabled" });
    await eventually(
      () => Promise.resolve(later.taken),
      ({ length }) => length === 1,
    );
    assert.equal(taken.length, 1);
    const second = await jwtVerify(later.taken[0]?.set ?? "", createLocalJWKSet(keys));
    assert.deepEqual(second.payload["sub_id"], { format: "iss_sub", iss: standin.issuer, sub: "583231" });
    assert.deepEqual(Object.keys(second.payload["events"] as object), [revoked]);
  });

  test("a test may have any event, one that must be refused, and none that is misspelt", async () => {
    await using standin = await provider();
    standin.person({ email: "ada@example.com" });
    const made = await control(standin, "ssf", { type: "account-disabled", email: "ada@example.com", flaw: "forged" });
    assert.equal(made.status, 200);
    const keys = (await json(await fetch(`${standin.url}/ssf/jwks.json`))).body as unknown as JSONWebKeySet;
    await assert.rejects(jwtVerify(String(made.body["set"]), createLocalJWKSet(keys)));
    assert.doesNotThrow(() => standin.ssf({ type: "https://x.example/event", email: "ada@example.com" }));
    for (const [body, message] of [
      [{}, /type is required/],
      [{ type: "session-revoke", email: "ada@example.com" }, /type must be one of/],
      [{ type: "session-revoked" }, /email is required/],
      [{ type: "session-revoked", email: "nobody@example.com" }, /there is no person/],
      [{ type: "verification", event: [] }, /event must be an object/],
    ] as const) {
      const answer = await control(standin, "ssf", body);
      assert.equal(answer.status, 400, JSON.stringify(body));
      assert.match(String(answer.body["error_description"]), message);
    }
  });
});
