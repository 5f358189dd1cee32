import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { Client } from "pg";
import { systemClock } from "../../../src/core/clock.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import type { Store } from "../../../src/store/store.ts";
import { owner, read, save, tokens } from "../../../src/store/suite/rows.ts";
import { eventually } from "../../support/eventually.ts";
import { fails } from "../../support/fails.ts";
import { newServer } from "../../support/postgres-server.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { administer } from "../../support/postgres.ts";

const clock = systemClock;
let server: PostgresServer;

before(async () => {
  server = await newServer();
  await server.start();
});
after(() => server.remove());

describe("a PostgreSQL server that cannot be used", () => {
  const wrong = {
    "nobody listens": { port: "1" },
    "an unknown host": { hostname: "nowhere.invalid" },
    "an unknown database": { pathname: "/missing" },
    "a wrong password": { password: "wrong-pa55word" },
    "an unknown user": { username: "nobody" },
  };
  for (const [what, part] of Object.entries(wrong)) {
    test(`opening a PostgreSQL store fails with store_unavailable, without a password in it: ${what}`, async () => {
      const url = new URL(server.url("postgres"));
      Object.assign(url, part);
      const secrets = [decodeURIComponent(url.password), url.password];
      const store = postgres(url.href);
      await assert.rejects(store.open({ clock }), fails("store_unavailable", url.host, secrets));
      assert.ok(!secrets.some((secret) => store.location.includes(secret)), store.location);
      await assert.rejects(store.ping(), fails("store_unavailable"));
      await store.close();
    });
  }

  test("opening a PostgreSQL store that has no connection left fails with store_unavailable", async () => {
    const url = await database("few");
    await administer(url, "CREATE ROLE few LOGIN PASSWORD 'few' CONNECTION LIMIT 1");
    const limited = new URL(url);
    Object.assign(limited, { username: "few", password: "few" });
    const holder = new Client({ connectionString: limited.href });
    await holder.connect();
    const store = postgres(limited.href);
    await assert.rejects(store.open({ clock }), fails("store_unavailable", "no connection left"));
    await holder.end();
  });
});

describe("a PostgreSQL server that is stopped and started in mid-use", () => {
  test("a PostgreSQL server that is stopped in mid-use is reported, and used again by itself once it is back", async (t) => {
    const url = await database("restarted");
    const [store, other] = [await openStore(t, url), await openStore(t, url)];
    const { grantId } = await save(store);
    await store.announceOwner?.(owner("survivor"));
    let hints = 0;
    store.onChange?.(() => (hints += 1));

    // Statements under way, too, end in an error of ours or work.
    const busy = Promise.allSettled(Array.from({ length: 30 }, () => save(store)));
    await server.stop();
    const outcomes = await busy;
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") fails("store_unavailable")(outcome.reason);
    }
    const unreachable = fails("store_unavailable", "127.0.0.1");
    await assert.rejects(store.grantById(grantId), unreachable);
    await assert.rejects(store.beginAttempt(attempt(grantId)), unreachable);
    await assert.rejects(store.ping(), unreachable);
    assert.equal(store.notes?.().length, 1);

    const before = hints;
    await server.start();
    await eventually(
      () =>
        other.ping().then(
          () => true,
          () => false,
        ),
      Boolean,
    );
    assert.equal((await read(store, grantId)).generation, 1);
    assert.deepEqual(await store.attempts(), [], "an attempt that could not be written is none");
    assert.equal((await store.beginAttempt(attempt(grantId))).kind, "begun");
    assert.equal(await other.commitAttempt(grantId, 1, tokens("2"), 1), "active");
    const liveness = await eventually(
      async () => (await other.ownerLiveness?.(owner("survivor"))) ?? "nothing is said",
      (seen) => seen !== "unknown",
    );
    assert.equal(liveness, "alive");
    await eventually(
      () => hints,
      (count) => count > before,
    );
    // Every save that was promised is there.
    const promised = outcomes.flatMap((each) => (each.status === "fulfilled" ? [each.value.grantId] : []));
    for (const each of promised) assert.equal((await read(store, each)).state, "active");
  });

  test("a PostgreSQL store that is closed while its server is away ends at once", async (t) => {
    const url = await database("away");
    const store = await openStore(t, url);
    await server.stop();
    await store.close();
    await server.start();
  });
});

test("a PostgreSQL store behind a network that has gone silent is closed all the same", async (t) => {
  const url = new URL(await database("silent"));
  const sockets: Socket[] = [];
  const network = createServer((near) => {
    const far = connect(server.port, "127.0.0.1");
    for (const socket of [near, far]) socket.on("error", () => undefined);
    near.pipe(far).pipe(near);
    sockets.push(near, far);
  }).listen(0, "127.0.0.1");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    network.close();
  });
  await once(network, "listening");
  url.port = String((network.address() as AddressInfo).port);
  const store = await openStore(t, url.href);
  await store.announceOwner?.(owner("silenced"));
  for (const socket of sockets) socket.unpipe().pause();
  await store.close();
});

function attempt(grantId: string): Parameters<Store["beginAttempt"]>[0] {
  return { attemptId: "a", grantId, generation: 1, owner: owner("a"), at: 0 };
}

async function database(name: string): Promise<string> {
  await administer(server.url("postgres"), `CREATE DATABASE ${name}`);
  return server.url(name);
}

async function openStore(t: TestContext, url: string): Promise<Store> {
  const store = postgres(url);
  t.after(() => store.close());
  await store.open({ clock });
  return store;
}
