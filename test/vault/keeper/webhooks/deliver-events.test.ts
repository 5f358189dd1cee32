import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { sqlite } from "../../../../src/store/sqlite/index.ts";
import { deliverEvents } from "../../../../src/vault/keeper/webhooks/deliver-events.ts";
import { virtualKeeper } from "../../../faults/virtual-keeper.ts";
import { testVault } from "../../../support/test-vault.ts";

const secret = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;

interface Received {
  readonly id: string;
  readonly type: string;
  readonly grantId: string;
  readonly externalIds: readonly unknown[];
}

/** A receiver on this machine. `statusFor` says how each delivery is answered, and may take its time. */
async function receiver(t: TestContext, statusFor: (received: Received, n: number) => number | Promise<number>) {
  const all: Received[] = [];
  const kept: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { data } = JSON.parse(Buffer.concat(chunks).toString()) as { data: Record<string, unknown> };
      const received = {
        id: String(request.headers["webhook-id"]),
        type: String(data["type"]),
        grantId: String(data["grant_id"]),
        externalIds: data["external_ids"] as unknown[],
      };
      const n = all.push(received);
      void (async () => {
        const status = await statusFor(received, n);
        if (status < 300) kept.push(received);
        response.writeHead(status, status === 302 ? { location: "http://127.0.0.1:9/" } : {}).end();
      })();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { all, kept, webhook: { url: `http://127.0.0.1:${port}/hook`, secrets: [secret] } };
}

async function until(isSo: () => boolean, meanwhile: () => void = () => undefined): Promise<void> {
  while (!isSo()) {
    meanwhile();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("deliveries of events", { timeout: 120_000 }, () => {
  test("each event arrives once, those of a grant in their order, with the user ids it is known by", async (t) => {
    const { all, webhook } = await receiver(t, () => 204);
    const fixture = await testVault(t);
    const vault = await fixture.open({ webhook });
    const code = fixture.code("ada@example.com");
    const grant = await vault.exchangeCode({ code, source: "android", externalId: "ada" });
    await vault.revoke(grant);
    await until(() => all.length >= 2);
    assert.deepEqual(
      all.map(({ type, grantId }) => [type, grantId]),
      [
        ["grant.created", grant.grantId],
        ["grant.revoked", grant.grantId],
      ],
    );
    assert.deepEqual(all[0]?.externalIds, [{ external_id: "ada", account: grant.account }]);
    assert.deepEqual(
      all.map(({ id }) => id),
      (await vault.events()).events.map(({ id }) => id),
    );
  });

  test("at a receiver that fails at random, over two vaults of which one is closed, no event is lost and each grant keeps its order", async (t) => {
    let n = 0;
    const { all, kept, webhook } = await receiver(t, () => ((n += 7) % 10 < 4 ? 503 : 200));
    const fixture = await testVault(t);
    const first = await fixture.open({ webhook });
    const second = await fixture.open({ webhook });
    const people = Array.from({ length: 15 }, (_, person) => `person${person}@example.com`);
    for (const email of people) {
      const through = email.length % 2 === 0 ? first : second;
      const grant = await through.exchangeCode({ code: fixture.code(email), source: "android", externalId: email });
      await through.revoke(grant);
    }
    await until(
      () => kept.length > 5,
      () => fixture.clock.advance(500),
    );
    await first.close();
    const { events } = await second.events({ limit: 500 });
    await until(
      () => new Set(kept.map(({ id }) => id)).size === events.length,
      () => fixture.clock.advance(120_000),
    );
    assert.ok(all.length > events.length, "some failed");
    for (const grantId of new Set(events.map((event) => event.grantId))) {
      const told = [...new Set(kept.filter((each) => each.grantId === grantId).map(({ type }) => type))];
      assert.deepEqual(told, ["grant.created", "grant.revoked"]);
    }
  });

  test("a receiver that fails for one grant does not hold up the others, and is given up after a day", async (t) => {
    let bad = "";
    const { all, kept, webhook } = await receiver(t, ({ grantId }) => (grantId === bad ? 500 : 200));
    const fixture = await testVault(t);
    const vault = await fixture.open({ webhook });
    const signIn = (email: string) => vault.exchangeCode({ code: fixture.code(email), source: "android" });
    const first = await signIn("first@example.com");
    await until(() => kept.length === 1);
    bad = (await signIn("bad@example.com")).grantId;
    await signIn("second@example.com");
    await until(() => kept.length === 2 && all.length >= 3);
    assert.ok(first.grantId !== bad);
    const isGivenUp = (): boolean => fixture.events.some(({ type }) => type === "webhook_given_up");
    await until(isGivenUp, () => fixture.clock.advance(14_400_000));
    const store = sqlite(fixture.path);
    await store.open({});
    t.after(() => store.close());
    const [dead] = await store.deadDeliveries(0, 10);
    assert.deepEqual([dead?.line, dead?.tries, dead?.error], [bad, 14, "status 500"]);
    bad = "";
    assert.equal(await store.replayDeliveries(undefined, fixture.clock.now()), 1);
    await until(
      () => kept.length === 3,
      () => fixture.clock.advance(1_000),
    );
    assert.equal(new Set(all.map(({ id }) => id)).size, 3);
  });

  test("a receiver that is down gets nothing new, also across the numbers that a restored store leaves out", async (t) => {
    const { context, store, time, addGrants } = await virtualKeeper(t, {
      rotation: "none",
      rate: { perSecond: 9, burst: 9 },
    });
    let sent = 0;
    const fetch = async (): Promise<Response> => {
      sent += 1;
      return new Response(null, { status: 503 });
    };
    const webhook = { url: "https://app.example/hook", secrets: [secret] };
    const deliver = deliverEvents({ ...context, fetch }, webhook);
    const { signal } = new AbortController();
    await deliver(signal);
    await addGrants(40, () => time.now());
    await deliver(signal);
    const before = sent;
    assert.ok(before >= 20 && before < 40, `${before} of 40 were sent`);
    await store.beginStandstill({ why: "told", noticedAt: time.now(), backupAt: null });
    await store.endStandstill({ outcome: "restored", at: time.now() });
    assert.equal((await store.deliveryCounts()).waiting, 40);
    await deliver(signal);
    assert.equal(sent, before);
  });

  for (const starts of ["goes on", "starts"]) {
    test(`what was put off by a clock that was a day ahead is tried as soon as the clock is right, by a process that ${starts}`, async (t) => {
      let status = 503;
      const { all, kept, webhook } = await receiver(t, () => status);
      const fixture = await testVault(t);
      const first = await fixture.open({ webhook });
      fixture.clock.advance(86_400_000);
      const grant = await first.exchangeCode({ code: fixture.code("ada@example.com"), source: "android" });
      await first.revoke(grant);
      await until(() => all.length >= 1);
      if (starts === "starts") await first.close();
      const tried = all.length;
      fixture.clock.advance(-86_400_000);
      if (starts === "starts") await fixture.open({ webhook });
      await until(() => all.length > tried);
      status = 200;
      await until(
        () => kept.length === 2,
        () => fixture.clock.advance(100),
      );
      assert.deepEqual(
        kept.map(({ type }) => type),
        ["grant.created", "grant.revoked"],
      );
    });
  }

  test("a redirect is not followed, and a receiver that is gone gets nothing more", async (t) => {
    const { all, webhook } = await receiver(t, (_, n) => (n === 1 ? 302 : 410));
    const fixture = await testVault(t);
    const vault = await fixture.open({ webhook });
    await vault.exchangeCode({ code: fixture.code("ada@example.com"), source: "android" });
    const isStopped = (): boolean => fixture.events.some(({ type }) => type === "webhook_stopped");
    await until(isStopped, () => fixture.clock.advance(1_000));
    assert.equal(all.length, 2);
    assert.equal(new Set(all.map(({ id }) => id)).size, 1);
  });
});
