/**
 * Events are delivered although the process that does it is killed again and again, and the receiver fails at random. Small in
 * `npm test`; WEBHOOKS=full delivers ten thousand, with a kill every two seconds.
 */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { generateMasterKey } from "../../src/index.ts";
import { begin, save, tokens } from "../../src/store/suite/rows.ts";
import { seeded } from "../../tools/random.ts";
import { storeAt } from "../support/store-process.ts";
import { freshDatabase } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const isFull = process.env["WEBHOOKS"] === "full";
const grants = isFull ? 2_000 : 60;
/** The grant is made, suspect, well, suspect and well again. */
const eventsOfGrant = 5;
const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const seed = Number(process.env["WEBHOOKS_SEED"] ?? 20_261_127);

/** A receiver that takes three of four, and of each event the third or fourth delivery at the latest. */
async function flakyReceiver(t: TestContext) {
  const random = seeded(seed);
  const failures = new Map<string, number>();
  const taken: { readonly id: string; readonly seq: number; readonly grantId: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const id = String(request.headers["webhook-id"]);
      const failed = failures.get(id) ?? 0;
      if (failed < (isFull ? 3 : 2) && random() < 0.25) {
        failures.set(id, failed + 1);
        if (random() < 0.3) response.destroy();
        else response.writeHead(500).end();
        return;
      }
      const { data } = JSON.parse(Buffer.concat(chunks).toString()) as { data: { seq: number; grant_id: string } };
      taken.push({ id, seq: data.seq, grantId: data.grant_id });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return { taken, failures, url: `http://127.0.0.1:${port}/` };
}

for (const kind of ["sqlite", "postgres"] as const) {
  test(
    `${kind}: no event is lost where the receiver fails at random and the process that delivers is killed again and again`,
    { timeout: isFull ? 1_800_000 : 240_000 },
    async (t) => {
      const where =
        kind === "sqlite" ? `sqlite:${join(await temporaryFolder(t), "onbehalf.db")}` : await freshDatabase(t);
      const receiver = await flakyReceiver(t);
      const key = generateMasterKey().expose();
      const options = JSON.stringify({ where, key, webhook: { url: receiver.url, secrets: [secret] } });
      const { NODE_TEST_CONTEXT: _runner, ...env } = process.env;
      let child: ChildProcess | undefined;
      const start = async (): Promise<void> => {
        child = fork(new URL("webhook-process.ts", import.meta.url), [options], { env, execArgv: [] });
        await once(child, "message");
      };
      const kill = async (): Promise<void> => {
        if (child === undefined || child.exitCode !== null) return;
        const gone = once(child, "exit");
        child.kill("SIGKILL");
        await gone;
      };
      t.after(kill);
      await start();
      const store = storeAt(where);
      await store.open({});
      t.after(() => store.close());
      while ((await store.webhookState()) === undefined) await new Promise((resolve) => setTimeout(resolve, 50));

      const began = performance.now();
      const writing = write();
      let kills = 0;
      const all = grants * eventsOfGrant;
      const isDone = (): boolean => new Set(receiver.taken.map(({ id }) => id)).size === all;
      for (let next = all / 8; !isDone();) {
        await new Promise((resolve) => setTimeout(resolve, isFull ? 2_000 : 20));
        if (isDone() || (!isFull && receiver.taken.length < next)) continue;
        next += all / 8;
        await kill();
        kills += 1;
        await start();
      }
      await writing;
      const seconds = Math.round((performance.now() - began) / 1_000);
      const failed = [...receiver.failures.values()].reduce((sum, each) => sum + each, 0);
      t.diagnostic(
        `${all} events, ${failed} failures, ${kills} kills, ${receiver.taken.length - all} duplicates, ${seconds} s; WEBHOOKS_SEED=${seed}`,
      );
      assert.ok(kills >= 4, `${kills} kills`);
      const written = new Map<string, number>();
      for (let after = 0; ;) {
        const page = await store.events({ after, limit: 500 });
        for (const { eventId, seq } of page) written.set(eventId, seq);
        if (page.length < 500) break;
        after = page.at(-1)?.seq ?? after;
      }
      assert.equal(written.size, all);
      const firsts = new Map<string, number[]>();
      const seen = new Set<string>();
      for (const { id, seq, grantId } of receiver.taken) {
        assert.equal(written.get(id), seq, "one id is one event");
        if (seen.has(id)) continue;
        seen.add(id);
        firsts.set(grantId, [...(firsts.get(grantId) ?? []), seq]);
      }
      assert.deepEqual(seen, new Set(written.keys()));
      for (const [grantId, order] of firsts) {
        assert.deepEqual(
          order,
          order.toSorted((a, b) => a - b),
          `the events of ${grantId} came in their order`,
        );
      }

      async function write(): Promise<void> {
        const ids = Array.from({ length: grants }, (_, n) => `g_killed${n}`);
        // Some at a time, as sign-ins and refreshes come.
        for (let from = 0; from < ids.length; from += 20) {
          await Promise.all(
            ids.slice(from, from + 20).map(async (grantId) => {
              await save(store, { grantId });
              for (const generation of [1, 2]) {
                await store.markSuspect(grantId, generation);
                await begin(store, grantId, `${grantId} ${generation}`, { generation });
                await store.commitAttempt(grantId, generation, tokens(String(generation)), generation);
              }
            }),
          );
        }
      }
    },
  );
}
