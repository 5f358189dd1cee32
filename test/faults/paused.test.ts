import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { outcomes } from "../support/test-vault.ts";
import { places } from "../support/places.ts";
import { storeAt } from "../support/store-process.ts";
import { untilRefreshed, expiredGrants } from "../support/expired-grants.ts";
import { startVaultProcess } from "../support/vault-processes.ts";
import { accepts } from "../support/accepts.ts";

const exchangeTimeoutMs = 1_000;

/** The process is stopped while the provider's answer is on its way, so that it cannot store the answer. */
const moments = {
  "before the provider has acted": { delayMs: 500, after: "request" },
  "while the answer is on its way": { delayMs: 500, after: "answer" },
} as const;

describe("a process that is stopped for longer than an exchange may take", { concurrency: true }, () => {
  for (const [storeName, place] of Object.entries(places)) {
    for (const [moment, fault] of Object.entries(moments)) {
      test(`a process that is stopped for too long: ${storeName}, ${moment}: reads its answer when it goes on, and everybody gets that`, async (t) => {
        const where = await place(t);
        const fixture = await expiredGrants(t, "strict", { where });
        const { standin, grantId } = fixture;
        const vault = await fixture.open({ store: storeAt(where) });
        const stopped = await startVaultProcess(t, fixture, where, exchangeTimeoutMs);
        standin.fault("POST", "/token", { times: 1, ...fault });
        const slow = stopped.tokens(grantId);
        if (fault.after === "answer") await untilRefreshed(fixture);
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
        assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
      });
    }
  }
});
