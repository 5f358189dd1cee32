/** Tokens that the store gives, on connections whose requests repeat. */
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { connect } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { Store } from "../../../src/index.ts";
import { serviceMetrics, startServer } from "../../../src/service/index.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { sharedStandin } from "../../support/test-vault.ts";
import type { SharedStandin } from "../../support/test-vault.ts";
import { testService } from "../../support/test-service.ts";
import type { TestService } from "../../support/test-service.ts";

let shared: SharedStandin;
before(async () => {
  shared = await sharedStandin();
});
after(() => shared.standin.close());

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One connection that is kept open, and asks one thing after the other with the same headers. */
function connection(t: TestContext, { url, key }: Pick<TestService, "url" | "key">): (path: string) => Promise<Answer> {
  const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", noDelay: true });
  t.after(() => socket.destroy());
  let received = "";
  let answered: ((answer: Answer) => void) | undefined;
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
    const end = received.indexOf("\r\n\r\n") + 4;
    const length = Number(/content-length: (\d+)/i.exec(received)?.[1]);
    if (end < 4 || received.length < end + length) return;
    const answer = { status: Number(received.slice(9, 12)), body: received.slice(end) };
    received = "";
    answered?.(answer);
  });
  return (path) =>
    new Promise((resolve, reject) => {
      answered = resolve;
      socket.once("close", () => reject(new Error("the server closed the connection")));
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\n\r\n`);
    });
}

/** Which requests Node's parser has seen of this test's server. */
function noteParsed(t: TestContext, { url }: TestService): string[] {
  const parsed: string[] = [];
  const note = (message: unknown): void => {
    const { request } = message as { request: { url: string; socket: { localPort: number } } };
    if (request.socket.localPort === Number(new URL(url).port)) parsed.push(request.url);
  };
  subscribe("http.server.request.start", note);
  t.after(() => unsubscribe("http.server.request.start", note));
  return parsed;
}

/** Grants whose tokens are in the store and not in the service's memory: another process has made them. */
async function strangers({ fixture }: TestService, count: number): Promise<string[]> {
  const elsewhere = await fixture.open();
  const grantIds: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const code = fixture.code(`stored-${n}@example.com`);
    grantIds.push((await elsewhere.exchangeCode({ code, externalId: `stored:${n}` })).grantId);
  }
  await elsewhere.close();
  return grantIds;
}

const tokenPath = (ref: string): string => `/v1/grants/${ref}/token`;

describe("a token that the store gives", () => {
  test("where nothing is recorded, it is answered without Node's parser, in the bytes that the long way gives", async (t) => {
    const service = await testService(t, { shared, vault: { audit: "none" } });
    const grantIds = await strangers(service, 4);
    const ask = connection(t, service);
    assert.equal((await ask("/v1/grants")).status, 200);
    const parsed = noteParsed(t, service);
    const answers: Answer[] = [];
    for (const ref of [...grantIds, "ext:stored:1", ...grantIds]) answers.push(await ask(tokenPath(ref)));
    assert.deepEqual(parsed, [tokenPath(grantIds[0] ?? "")]);
    for (const [n, ref] of [...grantIds, "ext:stored:1", ...grantIds].entries()) {
      const long = await ask(tokenPath(ref.replace("_", "%5F").replace(":", "%3A")));
      assert.deepEqual(answers[n], long, ref);
    }
  });

  test("one that a caller was not given before is in the audit log before it is answered, once", async (t) => {
    const service = await testService(t, { shared });
    const grantIds = await strangers(service, 3);
    const ask = connection(t, service);
    assert.equal((await ask("/v1/grants")).status, 200);
    const parsed = noteParsed(t, service);
    let turns = 0;
    for (const ref of [...grantIds, ...grantIds, "ext:stored:2"]) {
      assert.equal((await ask(tokenPath(ref))).status, 200);
      const rows = await service.vault.audit.list({ caller: "all" });
      const released = rows.filter(({ action }) => action === "token.released").map(({ grantId }) => grantId);
      const asked = Math.min(grantIds.length, (turns += 1));
      assert.deepEqual(released, grantIds.slice(0, asked), "before the answer, and in their order");
    }
    assert.deepEqual(parsed, [tokenPath(grantIds[0] ?? "")], "without Node's parser");
  });

  test("where another process has ended the grant, or its row is damaged, the next answer says so, and its neighbours are answered", async (t) => {
    const service = await testService(t, { shared, vault: { audit: "none" } });
    const [first = "", revoked = "", damaged = "", last = ""] = await strangers(service, 4);
    const ask = connection(t, service);
    await ask("/v1/grants");
    await ask(tokenPath(first));
    const elsewhere = await service.fixture.open();
    await elsewhere.revoke(revoked);
    const database = new DatabaseSync(service.fixture.path);
    database.prepare("UPDATE grants SET access_sealed = randomblob(300) WHERE grant_id = ?").run(damaged);
    database.close();
    const statuses: number[] = [];
    for (const ref of [first, revoked, damaged, last, "g_none"]) statuses.push((await ask(tokenPath(ref))).status);
    assert.deepEqual(statuses, [200, 409, 500, 200, 404]);
    assert.deepEqual(service.faults.map(String), [`OnbehalfError: a sealed value of grant ${damaged} does not open`]);
  });

  test("a caller whose key ends between two requests is given none", async (t) => {
    const service = await testService(t, { shared, vault: { audit: "none" } });
    const [first = "", second = "", third = ""] = await strangers(service, 3);
    const key = await service.keyFor("token");
    const ask = connection(t, { url: service.url, key });
    await ask("/v1/grants");
    assert.equal((await ask(tokenPath(first))).status, 200);
    assert.equal((await ask(tokenPath(second))).status, 200);
    await service.vault.callers.revoke("caller-1");
    assert.equal((await ask(tokenPath(third))).status, 401);
  });

  test("a store that fails, answers later, or gives what is no row is told of by the service, and the connection lives on", async (t) => {
    const faults: Partial<Record<string, () => ReturnType<Store["tokenById"]>>> = {};
    const service = await testService(t, { shared });
    const grantIds = await strangers(service, 5);
    const [first = "", throwing = "", rejecting = "", waiting = "", last = ""] = grantIds;
    const inner = sqlite(service.fixture.path);
    const store: Store = {
      ...inner,
      tokenById(grantId) {
        const fault = faults[grantId];
        delete faults[grantId];
        return fault === undefined ? inner.tokenById(grantId) : fault();
      },
    };
    const vault = await service.fixture.open({ store, audit: "none" });
    const unexpected: unknown[] = [];
    const server = await startServer(vault, { port: 0, onFault: (fault) => unexpected.push(fault) });
    t.after(() => server.close());
    const ask = connection(t, { url: server.url, key: await service.keyFor("token") });
    await ask("/v1/grants");
    assert.equal((await ask(tokenPath(first))).status, 200);
    faults[throwing] = () => {
      throw new TypeError("column scope does not hold text");
    };
    faults[rejecting] = () => Promise.reject(new TypeError("column scope does not hold text"));
    faults[waiting] = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return inner.tokenById(waiting);
    };
    for (const ref of [throwing, rejecting, waiting, last, first]) {
      assert.equal((await ask(tokenPath(ref))).status, 200, ref);
    }
    assert.deepEqual(unexpected, []);
  });

  test("one that was found in the moment in which the server began to close is still sent", async (t) => {
    const service = await testService(t, { shared });
    const [first = "", second = ""] = await strangers(service, 2);
    const vault = await service.fixture.open({ audit: "none" });
    let counted = 0;
    let closed: Promise<void> | undefined;
    const countRequest = (): void => {
      counted += 1;
      if (counted === 3) closed = server.close();
    };
    const server = await startServer(vault, { port: 0, metrics: { ...serviceMetrics(), countRequest } });
    t.after(() => server.close());
    const ask = connection(t, { url: server.url, key: await service.keyFor("token") });
    await ask("/v1/grants");
    assert.equal((await ask(tokenPath(first))).status, 200);
    assert.equal((await ask(tokenPath(second))).status, 200);
    assert.ok(closed !== undefined, "closed while the answer was made");
    await closed;
  });
});
