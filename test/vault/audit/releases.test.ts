import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { Store, Vault } from "../../../src/index.ts";
import type { AuditRow } from "../../../src/store/audit-store.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { storeUnavailable } from "../../../src/store/sql/failure.ts";
import { permissions } from "../../../src/vault/http/callers.ts";
import type { CallerView } from "../../../src/vault/tokens/caller-view.ts";
import { fails } from "../../support/fails.ts";
import { testVault } from "../../support/test-vault.ts";
import type { TestVault } from "../../support/test-vault.ts";

function isUuid(text: string | null): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text ?? "");
}

const api = "https://www.googleapis.com/drive/v3/files/appfolder";

interface Opened {
  readonly fixture: TestVault;
  readonly store: Store;
  readonly vault: Vault;
  readonly grantId: string;
  /** The vault as a new caller of this name sees it. */
  viewOf(name: string): Promise<CallerView>;
  /** The rows of the log about tokens: who, what, which generation. */
  released(): Promise<string[]>;
  rows(): Promise<AuditRow[]>;
  /** Makes writing to the log fail, stand still, or work again; what else is written works. */
  log: { state: "works" | "fails" | "stands still" };
  /** Lets a log go on that stands still. */
  goOn(): void;
  /** How many rows each transaction has added that added nothing else. */
  readonly batches: number[];
}

async function opened(t: TestContext, audit?: "callers" | "all" | "none"): Promise<Opened> {
  const fixture = await testVault(t);
  const real = sqlite(fixture.path);
  const log: Opened["log"] = { state: "works" };
  const standing = Promise.withResolvers<void>();
  const batches: number[] = [];
  const store: Store = {
    ...real,
    appendAudit: async (entries) => {
      if (log.state === "fails") throw storeUnavailable("the disk is full", "free some space");
      if (log.state === "stands still") await standing.promise;
      batches.push(entries.length);
      await real.appendAudit(entries);
    },
  };
  const vault = await fixture.open({ store, ...(audit === undefined ? {} : { audit }) });
  const { grantId } = await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-1" });
  const rows = (): Promise<AuditRow[]> => real.auditRows({ after: 0, limit: 500 });
  return {
    fixture,
    store,
    vault,
    grantId,
    log,
    batches,
    goOn: () => standing.resolve(),
    rows,
    viewOf: async (name) => {
      const { caller } = await vault.callers.create(name, { allow: permissions });
      return vault.forCaller(caller);
    },
    released: async () =>
      (await rows())
        .filter(({ action }) => /^(?:token|api)\./.test(action))
        .map(({ caller, action, generation, outcome, detail }) =>
          action === "token.released"
            ? `${caller} ${action} ${generation}`
            : `${caller} ${action} ${generation} ${outcome} ${detail}`,
        ),
  };
}

describe("the record of a token that leaves", () => {
  test("a caller's first token of a generation is recorded once, by every reference and in every process", async (t) => {
    const { fixture, grantId, viewOf, released, rows } = await opened(t);
    const reports = await viewOf("reports");
    for (let n = 0; n < 3; n += 1) await reports.getAccessToken({ grantId });
    await Promise.all([reports.getAccessToken({ externalId: "user-1" }), reports.getAccessToken({ grantId })]);
    const mail = await viewOf("mail");
    await Promise.all(Array.from({ length: 20 }, () => mail.getAccessToken({ grantId })));
    const other = await fixture.open();
    const again = (await other.callers.list()).find(({ name }) => name === "reports") ?? assert.fail();
    await other.forCaller(again).getAccessToken({ grantId });
    assert.deepEqual(await released(), ["reports token.released 1", "mail token.released 1"]);
    fixture.clock.advance(3_700_000);
    await reports.getAccessToken({ grantId });
    assert.equal((await released()).at(-1), "reports token.released 2");
    assert.equal(
      (await rows()).filter(({ action }) => action === "grant.refreshed").map(({ caller }) => caller)[0],
      "reports",
    );
  });

  test("nothing is peeked at that was not recorded, and what was is", async (t) => {
    const { vault, grantId, viewOf, released } = await opened(t);
    const reports = await viewOf("reports");
    const mail = await viewOf("mail");
    await vault.getAccessToken({ grantId });
    assert.ok(vault.peekAccessToken({ grantId }) !== undefined);
    assert.equal(reports.peekAccessToken({ grantId }), undefined);
    await reports.getAccessToken({ grantId });
    assert.ok(reports.peekAccessToken({ grantId }) !== undefined);
    assert.equal(mail.peekAccessToken({ grantId }), undefined);
    assert.deepEqual(await released(), ["reports token.released 1"]);
  });

  test("a token is withheld while its record cannot be written; the refresh is stored first, and no token is lost", async (t) => {
    const { fixture, store, grantId, viewOf, released, log } = await opened(t);
    const reports = await viewOf("reports");
    const first = await reports.getAccessToken({ grantId });
    log.state = "fails";
    // What it was given once it may read again.
    assert.equal((await reports.getAccessToken({ grantId })).token, first.token);
    fixture.clock.advance(3_700_000);
    await assert.rejects(reports.getAccessToken({ grantId }), fails("store_unavailable", "the audit log"));
    assert.equal((await store.grantById(grantId))?.generation, 2);
    assert.equal(reports.peekAccessToken({ grantId }), undefined);
    await assert.rejects(reports.fetch({ grantId }, api), fails("store_unavailable", "the audit log"));
    fixture.newRequests();
    log.state = "works";
    await reports.getAccessToken({ grantId });
    assert.deepEqual(fixture.newRequests("/token"), []);
    assert.deepEqual(await released(), ["reports token.released 1", "reports token.released 2"]);
    assert.ok(fixture.events.some((event) => event.type === "store_failed" && event.during === "the audit log"));
  });

  test("a store that stands still withholds a token for a bounded time, and keeps no request that gave up", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { grantId, viewOf, log, goOn } = await opened(t);
    const reports = await viewOf("reports");
    log.state = "stands still";
    const asked = Promise.allSettled([
      reports.getAccessToken({ grantId }),
      reports.getAccessToken({ grantId }),
      reports.fetch({ grantId }, api),
    ]);
    // Each gets as far as its record.
    for (let n = 0; n < 50; n += 1) await new Promise(setImmediate);
    t.mock.timers.tick(6_000);
    for (const outcome of await asked) {
      assert.equal(outcome.status, "rejected");
      assert.ok(fails("store_unavailable", "within 6 seconds")(outcome.reason));
    }
    log.state = "works";
    goOn();
    await reports.getAccessToken({ grantId });
    t.mock.timers.reset();
  });

  test("each call to an API is recorded before it is sent, and not made where it cannot be", async (t) => {
    const { fixture, grantId, viewOf, released, log } = await opened(t);
    const reports = await viewOf("reports");
    fixture.newRequests();
    for (const method of ["GET", "get", "YA29"]) await reports.fetch({ grantId }, api, { method });
    assert.deepEqual(await released(), [
      "reports api.called 1 sent GET www.googleapis.com",
      "reports api.called 1 sent GET www.googleapis.com",
      "reports api.called 1 sent OTHER www.googleapis.com",
    ]);
    fixture.newRequests();
    log.state = "fails";
    await assert.rejects(reports.fetch({ grantId }, api), fails("store_unavailable", "the audit log"));
    assert.deepEqual(fixture.newRequests(), []);
    await assert.rejects(reports.fetch({ grantId }, "https://evil.example/"), fails("host_not_allowed", ""));
  });

  test("calls of requests that came in the same turn share one transaction, and so one flush of the disk", async (t) => {
    const { grantId, viewOf, batches } = await opened(t);
    const view = await viewOf("reports");
    // The token is in memory, as for every call but the first.
    await view.fetch({ grantId }, api);
    batches.length = 0;
    // Each in a callback of its own, as requests from sixteen sockets are: what each of them does at once is done in between.
    const calls = Array.from({ length: 16 }, () => {
      const { promise, resolve } = Promise.withResolvers<Response>();
      setTimeout(() => resolve(view.fetch({ grantId }, api)), 0);
      return promise;
    });
    await Promise.all(calls);
    assert.equal(
      batches.reduce((one, other) => one + other),
      16,
    );
    assert.ok(batches.length <= 2, `${batches.length} transactions`);
  });

  test("the program's own tokens are recorded where it wants that, and callers' are not where it does not", async (t) => {
    const every = await opened(t, "all");
    const { grantId } = every;
    assert.equal(every.vault.peekAccessToken({ grantId }), undefined);
    await every.vault.getAccessToken({ grantId });
    assert.ok(every.vault.peekAccessToken({ grantId }) !== undefined);
    await every.vault.fetch({ grantId }, api);
    assert.deepEqual(await every.released(), [
      "@library token.released 1",
      "@library api.called 1 sent GET www.googleapis.com",
    ]);
    const none = await opened(t, "none");
    await (await none.viewOf("reports")).getAccessToken({ grantId: none.grantId });
    assert.deepEqual(await none.released(), []);
  });

  test("how often a token was read is written when it has ended, and when the vault is closed", async (t) => {
    const { fixture, vault, grantId, viewOf, store } = await opened(t);
    const reports = await viewOf("reports");
    for (let n = 0; n < 4; n += 1) await reports.getAccessToken({ grantId });
    assert.ok(reports.peekAccessToken({ grantId }) !== undefined);
    await vault.close();
    await store.open({ clock: fixture.clock });
    t.after(() => store.close());
    const counts = (await store.auditRows({ after: 0, limit: 100 })).filter(({ action }) => action === "token.read");
    assert.deepEqual(
      counts.map(({ caller, generation, detail }) => [caller, generation, detail]),
      [["reports", 1, "4 times"]],
    );
  });

  test("a row says in which request something happened, and whose doing it was", async (t) => {
    const { fixture, vault, grantId, viewOf, rows } = await opened(t);
    const reports = await viewOf("reports");
    fixture.clock.advance(3_700_000);
    await reports.during("request-1", () => reports.getAccessToken({ grantId }));
    await reports.during("request-2", () => reports.revoke({ grantId }));
    await vault.exchangeCode({ code: fixture.code("carl@example.com") });
    const handler = vault.authCodeHandler({ publicUrl: "https://app.example" });
    const send = (code: string): Promise<Response> =>
      handler(
        new Request("https://app.example/authcode", {
          method: "POST",
          headers: { "x-requested-with": "app", "content-type": "application/json" },
          body: JSON.stringify({ authCode: code }),
        }),
      );
    assert.equal((await send(fixture.code("eve@example.com"))).status, 200);
    assert.equal((await send("4/0Anever-issued")).status, 400);
    await assert.rejects(vault.exchangeCode({ code: "4/0Anever-issued-either" }), fails("code_rejected", ""));
    assert.deepEqual(
      (await rows()).map(
        ({ action, caller, requestId }) =>
          `${action} ${caller} ${caller === "@public" && isUuid(requestId) ? "one of its own" : requestId}`,
      ),
      [
        "keys.created @store null",
        "grant.created @library null",
        "caller.created @library null",
        "grant.refreshed reports request-1",
        "token.released reports request-1",
        "grant.revoking reports request-2",
        "grant.revoked reports request-2",
        "grant.created @library null",
        "grant.created @public one of its own",
        "code.rejected @library null",
      ],
    );
  });
});
