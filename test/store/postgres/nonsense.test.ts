import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemClock } from "../../../src/core/clock.ts";
import { postgres } from "../../../src/store/postgres/index.ts";
import type { Store } from "../../../src/store/store.ts";
import { owner, read, save, tokens } from "../../../src/store/suite/rows.ts";
import { eventually } from "../../support/eventually.ts";
import { fails } from "../../support/fails.ts";
import { errorResponse, faultyPooler, message, noTenant } from "../../support/faulty-pooler.ts";
import type { PoolerMood } from "../../support/faulty-pooler.ts";
import { emptyDatabase } from "../../support/postgres.ts";

const clock = systemClock;

const loggedIn = Buffer.concat([message("R", Buffer.alloc(4)), message("Z", Buffer.from("I"))]);
const unended = message("E", Buffer.from("SFATAL\0CXX000\0MTenant or user not found\0"));
const text = (words: string): Buffer => Buffer.from(words, "latin1");

/** What a pooler may say, from what is usual to what no program would. */
const sayings: Readonly<Record<string, Buffer>> = {
  "that there is no such tenant": noTenant,
  "an error without a code": errorResponse({ S: "FATAL", M: "no more connections allowed" }),
  "an error with a code of its own": errorResponse({ S: "FATAL", C: "Z9999", M: "compute node is asleep" }),
  "an error without any field": message("E", Buffer.from("\0")),
  "an error that lacks its end": unended,
  "an error that lacks everything": message("E", Buffer.alloc(0)),
  "a notice that lacks its end": message("N", Buffer.from("SNOTICE\0")),
  "that it is being shut down": errorResponse({ S: "FATAL", C: "57P01", M: "terminating connection" }),
  "that the log-in is done, and an error at once": Buffer.concat([loggedIn, noTenant]),
  "that the log-in is done, and rubbish at once": Buffer.concat([loggedIn, text("?!?!?!?!")]),
  "that the log-in is done, and rows that nobody asked for": Buffer.concat([
    loggedIn,
    message("D", Buffer.from([0, 1, 0, 0, 0, 1, 49])),
    message("C", text("SELECT 1\0")),
  ]),
  "a row with fewer than no columns": Buffer.concat([loggedIn, message("D", Buffer.from([255, 0]))]),
  "a way to log in that nobody knows": message("R", Buffer.from([0, 0, 0, 99])),
  "a way to log in that lacks its challenge": message("R", Buffer.from([0, 0, 0, 11])),
  "a log-in by ways that nobody knows": message("R", Buffer.from("\0\0\0\u000aMAGIC\0\0")),
  "a page of HTML": text("HTTP/1.1 400 Bad Request\r\ncontent-type: text/html\r\n\r\n<h1>no</h1>"),
  "SSH's greeting": text("SSH-2.0-OpenSSH_9.6\r\n"),
  "a TLS alert": Buffer.from([0x15, 3, 1, 0, 2, 2, 70]),
  zeros: Buffer.alloc(64),
  "bytes that are all ones": Buffer.alloc(64, 255),
  "a message of two gigabytes": Buffer.from([0x44, 127, 255, 255, 255, 0, 0]),
  nothing: Buffer.alloc(0),
};

/** After these, some leave the connection open. */
const leftOpen = new Set(["that there is no such tenant", "an error without a code", "a page of HTML", "zeros"]);

describe("a pooler that answers PostgreSQL's clients with nonsense", () => {
  for (const [what, bytes] of Object.entries(sayings)) {
    for (const way of ["says", "holds"] as const) {
      if (way === "holds" && !leftOpen.has(what)) continue;
      test(`a pooler that ${way} ${what}: store_unavailable in all that is asked, and all is well afterwards`, async (t) => {
        const pooler = await faultyPooler(t, await emptyDatabase(t));
        const store = postgres(pooler.url);
        const ill: PoolerMood = way === "says" ? { says: bytes } : { holds: bytes };
        const unavailable = fails("store_unavailable", "127.0.0.1");

        pooler.become(ill);
        await assert.rejects(store.open({ clock }), unavailable);
        pooler.become("passes");
        await store.open({ clock });
        t.after(() => store.close());
        const { grantId } = await save(store);
        await store.announceOwner?.(owner("us"));

        pooler.become(ill);
        await assert.rejects(store.grantById(grantId), unavailable);
        await assert.rejects(store.beginAttempt(attempt(grantId)), unavailable);
        await assert.rejects(store.commitAttempt(grantId, 1, tokens("2"), 1), unavailable);
        await assert.rejects(store.changesSince(0), unavailable);

        pooler.become("passes");
        assert.equal((await read(store, grantId)).generation, 1);
        assert.equal(await store.commitAttempt(grantId, 1, tokens("2"), 1), "active");
        await eventually(
          () => store.notes?.(),
          (notes) => notes?.length === 0,
        );
      });
    }

    test(`connections on which a pooler interjects ${what} are replaced by themselves`, async (t) => {
      const pooler = await faultyPooler(t, await emptyDatabase(t));
      const store = postgres(pooler.url);
      await store.open({ clock });
      t.after(() => store.close());
      const { grantId } = await save(store);
      const idle = await Promise.all(Array.from({ length: 4 }, () => store.grantById(grantId)));
      assert.equal(idle.length, 4);
      pooler.interject(bytes);
      // Statements may still be sent into connections that are about to end.
      await eventually(
        () =>
          store.commitAttempt(grantId, 1, tokens("2"), 1).catch((error: unknown) => fails("store_unavailable")(error)),
        (end) => end !== true,
      );
      assert.equal((await read(store, grantId)).generation, 2);
    });
  }

  for (const mood of ["refuses", "is silent"] as const) {
    test(`a pooler that ${mood} is store_unavailable, and all is well afterwards`, async (t) => {
      const pooler = await faultyPooler(t, await emptyDatabase(t));
      const store = postgres(pooler.url);
      await store.open({ clock });
      t.after(() => store.close());
      const { grantId } = await save(store);
      pooler.become(mood);
      await assert.rejects(store.grantById(grantId), fails("store_unavailable"));
      pooler.become("passes");
      assert.equal((await read(store, grantId)).generation, 1);
    });
  }
});

function attempt(grantId: string): Parameters<Store["beginAttempt"]>[0] {
  return { attemptId: "a", grantId, generation: 1, owner: owner("a"), at: 0 };
}
