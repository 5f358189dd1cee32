import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { fixedClock } from "../../../src/core/clock.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { migrations } from "../../../src/store/sqlite/migrations.ts";
import { read, save } from "../../../src/store/suite/rows.ts";
import { storeProcess } from "../../support/store-process.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("several processes on one SQLite file", () => {
  test("of five processes that open a new SQLite file at once, one makes the schema, and all work", async (t) => {
    const where = `sqlite:${await temporaryFolder(t)}/onbehalf.db`;
    const processes = Array.from({ length: 5 }, () => storeProcess(t, where, { do: "open" }));
    const answers = await Promise.all(processes.map(({ answer }) => answer));
    assert.deepEqual(
      answers,
      Array.from(processes, () => migrations.map(({ name }) => name)),
    );
  });

  test("processes that refresh one grant in one SQLite file commit every generation once", async (t) => {
    const path = `${await temporaryFolder(t)}/onbehalf.db`;
    const store = sqlite(path);
    await store.open({ clock: fixedClock(0) });
    t.after(() => store.close());
    const { grantId } = await save(store);
    const processes = Array.from({ length: 3 }, () =>
      storeProcess(t, `sqlite:${path}`, { do: "refresh", grantId, until: 61 }),
    );
    const own = (await Promise.all(processes.map(({ answer }) => answer))).map(Number);
    assert.equal((await read(store, grantId)).generation, 61);
    assert.equal(
      own.reduce((sum, each) => sum + each),
      60,
    );
  });

  test("the attempt of a killed process is still in the SQLite file, and another one can take it over", async (t) => {
    const path = `${await temporaryFolder(t)}/onbehalf.db`;
    const store = sqlite(path);
    await store.open({ clock: fixedClock(0) });
    t.after(() => store.close());
    const { grantId } = await save(store);
    const { child, answer } = storeProcess(t, `sqlite:${path}`, { do: "hold", grantId, attemptId: "killed" });
    assert.equal(await answer, "begun");
    child.kill("SIGKILL");
    const heir = {
      grantId,
      attemptId: "heir",
      generation: 1,
      owner: { node: "", pid: 1, startedAt: "", vault: "" },
      at: 0,
    };
    assert.equal((await store.beginAttempt(heir)).kind, "held");
    assert.equal((await store.beginAttempt(heir, "killed")).kind, "begun");
  });

  for (const heardOf of [1, 40, 333]) {
    test(`a process that is killed while attempts share commits, after ${heardOf} were acknowledged, has lost none of those`, async (t) => {
      const path = `${await temporaryFolder(t)}/onbehalf.db`;
      const store = sqlite(path);
      await store.open({ clock: fixedClock(0) });
      t.after(() => store.close());
      const grantIds = await Promise.all(Array.from({ length: 40 }, () => save(store).then(({ grantId }) => grantId)));
      const { child, lines } = storeProcess(t, `sqlite:${path}`, { do: "flood", grantIds });
      const acknowledged = new Map<string, number>();
      let heard = 0;
      lines.on("line", (line) => {
        const [grantId = "", count] = (JSON.parse(line) as string).split(" ");
        acknowledged.set(grantId, Number(count));
        if (++heard === heardOf) child.kill("SIGKILL");
      });
      await once(lines, "close");
      assert.ok(heard >= heardOf);
      const standing = new Map((await store.attempts()).map(({ grantId, attemptId }) => [grantId, attemptId]));
      for (const [grantId, count] of acknowledged) {
        const stands = standing.get(grantId);
        // The next one may have been committed when the process was killed, before anybody heard of it.
        assert.ok(
          stands === `${grantId} ${count}` || stands === `${grantId} ${count + 1}`,
          `${grantId}: ${count} was acknowledged, and ${String(stands)} stands`,
        );
      }
    });
  }
});
