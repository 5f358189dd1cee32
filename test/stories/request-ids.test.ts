import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { pino } from "pino";
import { generateMasterKey, google, openVault } from "../../src/index.ts";
import type { OnEvent, OnFault } from "../../src/index.ts";
import { eventLogger, faultLogger, startKeeper, startServer } from "../../src/service/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testStandin } from "../support/test-standin.ts";
import { until, usualScope } from "../support/test-vault.ts";

type Line = Readonly<Record<string, unknown>>;

interface Scene {
  readonly url: string;
  readonly grantId: string;
  /** Lines of the service's log, whichever process they come from. */
  readonly lines: readonly Line[];
  ask(path: string, headers?: Record<string, string>): Promise<Response>;
}

/** A service whose keeper runs in a process of its own, and that logs everything. */
async function scene(t: TestContext): Promise<Scene> {
  const store = join(await temporaryFolder(t), "grants.db");
  // By the machine's clock, as the keeper in its process.
  const standin = await testStandin();
  t.after(() => standin.close());
  const lines: Line[] = [];
  const logger = pino(
    { level: "debug", base: null },
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(JSON.parse(chunk.toString()) as Line);
        done();
      },
    }),
  );
  const [onEvent, onFault]: [OnEvent, OnFault] = [eventLogger(logger), faultLogger(logger)];
  const { clientId, clientSecret, url: googleBaseUrl } = standin;
  const key = generateMasterKey().expose();
  const settings = { store: `sqlite:${store}`, key, clientId, clientSecret, googleBaseUrl };
  const keeper = await startKeeper({ settings, migrate: true }, onEvent, onFault);
  t.after(() => keeper.close());
  const vault = await openVault({
    provider: google({ clientId, clientSecret, baseUrl: googleBaseUrl }),
    store: sqlite(store),
    keeper,
    onEvent,
    onFault,
  });
  t.after(() => vault.close());
  const server = await startServer(vault, { port: 0, onFault: (error, about) => onFault(error, "a request", about) });
  t.after(() => server.close());
  const { key: callerKey } = await vault.callers.create("job", { allow: ["token", "audit", "grants:read"] });
  const grant = await vault.exchangeCode({ code: standin.code({ email: "ada@example.com", scope: usualScope }) });
  return {
    url: server.url,
    grantId: grant.grantId,
    lines,
    ask: (path, headers = {}) =>
      fetch(server.url + path, { headers: { authorization: `Bearer ${callerKey.expose()}`, ...headers } }),
  };
}

/** The path of a token that is not there yet: the keeper must refresh. */
const another = async (asked: Scene): Promise<string> => {
  const { access_token: token } = (await (await asked.ask(`/v1/grants/${asked.grantId}/token`)).json()) as {
    access_token: string;
  };
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return `/v1/grants/${asked.grantId}/token?refused=${Buffer.from(digest).toString("hex")}`;
};

describe("request ids", { timeout: 60_000 }, () => {
  test("one id connects a request with its answer, the audit log, the keeper's lines in the log, and the error that it gets", async (t) => {
    const asked = await scene(t);
    const path = await another(asked);
    const id = randomUUID();
    const answer = await asked.ask(path, { "x-request-id": id.toUpperCase() });
    assert.deepEqual([answer.status, answer.headers.get("x-request-id")], [200, id]);
    const refreshed = asked.lines.find(({ msg, requestId }) => msg === "refreshed" && requestId === id);
    assert.equal(refreshed?.["grantId"], asked.grantId, "the keeper, in its own process, has refreshed for it");
    const { rows } = (await (await asked.ask("/v1/audit")).json()) as {
      rows: readonly { action: string; request_id?: string }[];
    };
    const actions = rows.filter(({ request_id }) => request_id === id).map(({ action }) => action);
    assert.ok(actions.includes("token.released"), actions.join());

    // So soon after the last one, no other token is asked for.
    const failing = await another(asked);
    const other = randomUUID();
    const refused = await asked.ask(failing, { "x-request-id": other });
    const body = (await refused.json()) as Line;
    assert.deepEqual(
      [refused.status, refused.headers.get("x-request-id"), body["request_id"]],
      [503, other, other],
      JSON.stringify(body),
    );
  });

  test("a request without an id, or with one that is none, gets one of ours, and nobody's text is in any log", async (t) => {
    const asked = await scene(t);
    for (const sent of [undefined, "", "1", "x".repeat(36), `${randomUUID()}'`, "../../etc/passwd", "-".repeat(36)]) {
      const answer = await asked.ask("/v1/grants", sent === undefined ? {} : { "x-request-id": sent });
      const id = answer.headers.get("x-request-id") ?? "";
      assert.match(id, /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/, String(sent));
      assert.notEqual(id, sent);
      if (sent !== undefined && sent.length > 1) assert.ok(!JSON.stringify(asked.lines).includes(sent), sent);
    }
    const ofNginx = "5F0c6fdca6d8ba6d0ecf6b9b3b6ae0b3";
    const answer = await asked.ask("/v1/grants", { "x-request-id": ofNginx });
    assert.equal(answer.headers.get("x-request-id"), ofNginx.toLowerCase(), "as nginx makes them");
  });

  test("a phone's code is told of with the id of its request", async (t) => {
    const asked = await scene(t);
    const id = randomUUID();
    const answer = await fetch(`${asked.url}/authcode`, {
      method: "POST",
      headers: { "x-requested-with": "app", "x-request-id": id },
      body: new URLSearchParams({ authCode: "4/none", source: "android" }),
    });
    assert.deepEqual([answer.status, answer.headers.get("x-request-id")], [400, id]);
    await until(() => asked.lines.some(({ msg, requestId }) => msg === "code_rejected" && requestId === id));
  });
});
