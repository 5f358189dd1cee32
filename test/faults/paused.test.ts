import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { movableClock } from "../../src/index.ts";
import { house, outcomes, until } from "../support/house.ts";
import { freshDatabase } from "../support/postgres.ts";
import { storeAt } from "../support/store-process.ts";
import { startVaultProcess } from "../support/vault-processes.ts";
import { accepts } from "./api.ts";

const exchangeTimeoutMs = 1_000;

/** What the provider's answer finds: a process that stands still when it comes, before it is stored. */
const moments = {
  "before the provider has acted": { delayMs: 500, after: "request" },
  "while the answer is on its way": { delayMs: 500, after: "answer" },
} as const;

describe("a process that is stopped for longer than an exchange may take", { concurrency: true }, () => {
  for (const storeName of ["sqlite", "postgres"] as const) {
    for (const [moment, fault] of Object.entries(moments)) {
      test(`${storeName}, ${moment}: reads its answer when it goes on, and everybody gets that`, async (t) => {
        const home = await house(t, {
          clock: movableClock(),
          rotation: "strict",
          revokeFamilyOnReuse: true,
          provider: { rotation: "strict" },
          accessTokenTtlSeconds: 30,
        });
        const { standin } = home;
        const where = storeName === "sqlite" ? `sqlite:${home.path}` : await freshDatabase(t);
        const vault = await home.open({ store: storeAt(where) });
        const { grantId } = await vault.exchangeCode({ code: home.code("ada@example.com") });
        standin.settings({ accessTokenTtlSeconds: 3_600 });
        home.news();
        const stopped = await startVaultProcess(t, home, where, exchangeTimeoutMs);
        standin.fault("POST", "/token", { times: 1, ...fault });
        const slow = stopped.tokens(grantId);
        if (fault.after === "answer") await until(() => standin.log().counts["refreshed"] === 1);
        else await pause(250);
        stopped.signal("SIGSTOP");
        const waiting = vault.getAccessToken(grantId);
        await pause(3 * exchangeTimeoutMs);
        stopped.signal("SIGCONT");
        const [token = ""] = await slow;
        assert.ok(await accepts(standin, token), token);
        assert.equal((await waiting).token, token);
        const grant = await vault.grant(grantId);
        assert.deepEqual([grant.state, grant.generation], ["active", 2]);
        assert.deepEqual(outcomes(home.news()), { refreshed: 1 });
      });
    }
  }
});
