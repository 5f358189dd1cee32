import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { startServer } from "../../../../src/service/index.ts";
import type { RunningServer } from "../../../../src/service/index.ts";
import { rawRequest } from "../../../support/test-service.ts";
import { basicOf, tokenEndpointFor } from "../../../support/token-endpoint.ts";
import type { TokenEndpoint } from "../../../support/token-endpoint.ts";

const form = "application/x-www-form-urlencoded";
/** The same type, in a spelling that the short way does not know. */
const spelledOut = `${form}; charset="utf-8"`;

/** What a client sees, but for what changes with every answer. */
const seen = ({ status, headers, body }: Awaited<ReturnType<typeof rawRequest>>): unknown => ({
  status,
  headers: [...headers]
    .filter(([name]) => name !== "date" && name !== "x-request-id")
    .sort(([a], [b]) => (a < b ? -1 : 1)),
  body,
});

interface Asked {
  readonly body: string;
  readonly authorization?: string;
}

async function post(server: RunningServer, { body, authorization }: Asked, type: string): Promise<unknown> {
  const headers = {
    "content-type": type,
    "content-length": String(Buffer.byteLength(body)),
    ...(authorization === undefined ? {} : { authorization }),
  };
  return seen(await rawRequest(server.url, "/oauth/token", { method: "POST", headers, body }));
}

/** The usual value, and in some cases another one: a request that is wrong in one thing is the one to tell from a good one. */
function mostly<T>(usual: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

/** Requests as clients send them, and those that look like them, from good and bad parts. */
function requestsTo(
  { client, secret }: TokenEndpoint,
  other: Pick<TokenEndpoint, "client" | "secret">,
): fc.Arbitrary<Asked> {
  const swapped = `${client.key.slice(0, -1)}${client.key.endsWith("0") ? "1" : "0"}`;
  const ids = mostly(client.name, client.callerId, other.client.name, "nobody", "");
  const keys = mostly(client.key, other.client.key, swapped, "obk_", "", encodeURIComponent("a b"));
  const handles = mostly(secret, other.secret, `${secret} `, secret.toUpperCase(), "1//0x", "");
  const grantTypes = mostly("refresh_token", "password", "");
  const extras = mostly<string[]>([], ["scope=openid"], ["x=y"], ["client_id=x"], ["refresh_token=x"], ["=", "a"]);
  return fc
    .record({
      id: ids,
      key: keys,
      handle: handles,
      grantType: grantTypes,
      extra: extras,
      by: fc.nat(3),
      turn: fc.nat(3),
    })
    .map(({ id, key, handle, grantType, extra, by, turn }) => {
      const pairs = [`grant_type=${grantType}`, `refresh_token=${handle}`, ...extra];
      if (by !== 1)
        pairs.push(...(by === 0 ? [`client_id=${id}`, `client_secret=${key}`] : by === 2 ? [`client_id=${id}`] : []));
      const body = [...pairs.slice(turn), ...pairs.slice(0, turn)].join("&");
      return by === 0 ? { body } : { body, authorization: basicOf({ name: by === 1 ? id : client.name, key }) };
    });
}

describe("the short way to a handle's token", () => {
  test("the short way to a handle's token answers as the long way does, whatever is asked, and whatever has happened", async (t) => {
    const endpoint = await tokenEndpointFor(t);
    const { vault, fixture, client, newClient, newHandle, grantId } = endpoint;
    const server = await startServer(vault, { port: 0 });
    t.after(() => server.close());
    const second = await newClient();
    const other = { client: second, secret: (await newHandle({ forCaller: second.name })).secret };
    const good = { body: `grant_type=refresh_token&refresh_token=${endpoint.secret}`, authorization: basicOf(client) };
    const compare = async (asked: Asked): Promise<number> => {
      const short = await post(server, asked, form);
      assert.deepEqual(short, await post(server, asked, spelledOut), asked.body);
      return (short as { status: number }).status;
    };
    const statuses = new Set<number>();
    const seed = 20_261_126;
    const rounds = async (): Promise<void> => {
      for (const asked of fc.sample(requestsTo(endpoint, other), { numRuns: 300, seed })) {
        // The key and the handle are known now: the short way is open.
        await post(server, good, form);
        statuses.add(await compare(asked));
      }
    };
    await rounds();
    assert.deepEqual(statuses, new Set([200, 400, 401]));
    fixture.clock.advance(2_000);
    assert.equal(await compare(good), 200);
    fixture.clock.advance(3_400_000);
    assert.equal(await compare(good), 200, "soon before the token's end");
    await vault.handles.revoke({ grantId }, endpoint.handle.handleId);
    assert.equal(await compare(good), 400);
    const next = { ...good, body: `grant_type=refresh_token&refresh_token=${(await newHandle()).secret}` };
    assert.equal(await compare(next), 200);
    await vault.revoke({ grantId });
    assert.equal(await compare(next), 400);
    await vault.callers.revoke(client.name);
    fixture.clock.advance(1_000);
    assert.equal(await compare(next), 401);
  });

  test("a handle with a limit of scopes is refused by the short way, too, once the grant holds more", async (t) => {
    const { vault, fixture, client, newHandle, grantId } = await tokenEndpointFor(t);
    const server = await startServer(vault, { port: 0 });
    t.after(() => server.close());
    const { profile, scopes } = await vault.grant({ grantId });
    const { secret } = await newHandle({ scopes });
    const asked = { body: `grant_type=refresh_token&refresh_token=${secret}`, authorization: basicOf(client) };
    const status = async (): Promise<unknown> => ((await post(server, asked, form)) as { status: number }).status;
    assert.deepEqual([await status(), await status()], [200, 200]);
    const more = `${scopes.join(" ")} https://www.googleapis.com/auth/calendar`;
    await vault.exchangeCode({ code: fixture.code(String(profile.email), more) });
    assert.deepEqual([await status(), await status()], [400, 400]);
  });

  test("a body that comes in pieces, or is as large as it may be, is answered as one that comes at once", async (t) => {
    const { vault, client, secret } = await tokenEndpointFor(t);
    const server = await startServer(vault, { port: 0 });
    t.after(() => server.close());
    const usual = `grant_type=refresh_token&refresh_token=${secret}&client_id=${client.name}&client_secret=${client.key}`;
    for (const body of [
      usual,
      `${usual}&x=${"y".repeat(2_048 - usual.length - 3)}`,
      `${usual}&x=${"y".repeat(3_000)}`,
    ]) {
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < body.length; at += 100) yield Buffer.from(body.slice(at, at + 100));
      };
      const response = await fetch(`${server.url}/oauth/token`, {
        method: "POST",
        headers: { "content-type": form },
        body: ReadableStream.from(pieces()),
        duplex: "half",
      });
      assert.equal(response.status, 200, await response.text());
      assert.equal(((await post(server, { body }, form)) as { status: number }).status, 200);
    }
  });
});
