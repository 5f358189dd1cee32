import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { webhookHeaders } from "../../src/vault/keeper/webhooks/sign-webhook.ts";
import { checkout } from "../support/checkout-bin.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testService } from "../support/test-service.ts";
import { blocksFor } from "./block-runners.ts";

const run = promisify(execFile);
const [program = "", printed, receiver = ""] = blocksFor("events").map(({ text }) => text);

describe("docs/events.md", { timeout: 120_000 }, () => {
  test("docs/events.md: the program that reads events prints what stands below it", async (t) => {
    const { url, key, vault, fixture } = await testService(t);
    const code = fixture.code("ada@example.com");
    await vault.revoke(await vault.exchangeCode({ code, source: "android", externalId: "user-42" }));
    const file = join(await temporaryFolder(t), "program.ts");
    const client = pathToFileURL(join(checkout, "src/client/index.ts")).href;
    await writeFile(file, program.replace('"onbehalf/client"', JSON.stringify(client)));
    const env = { ...process.env, ONBEHALF_URL: url, ONBEHALF_CALLER_KEY: key };
    const { stdout } = await run(process.execPath, [file], { env });
    assert.equal(stdout.trim(), printed?.trim());
  });

  test("docs/events.md: the receiver takes what we have signed, by either secret, and nothing else", async (t) => {
    const file = join(await temporaryFolder(t), "receiver.mjs");
    await writeFile(file, receiver);
    const { verifiedEvent } = (await import(pathToFileURL(file).href)) as {
      verifiedEvent(headers: Record<string, string>, body: string, secret: string, now?: number): unknown;
    };
    const [old, fresh, other] = ["a", "b", "c"].map(
      (each) => `whsec_${Buffer.from(each.repeat(32)).toString("base64")}`,
    );
    const body = JSON.stringify({ type: "grant.created", data: { grant_id: "g_1" } });
    const headers = webhookHeaders([old ?? "", fresh ?? ""], "evt_1", 1_000, body);
    for (const secret of [old, fresh]) {
      assert.deepEqual(verifiedEvent(headers, body, secret ?? "", 1_000_000), JSON.parse(body));
    }
    assert.equal(verifiedEvent(headers, body, other ?? "", 1_000_000), undefined);
    assert.equal(verifiedEvent(headers, `${body} `, old ?? "", 1_000_000), undefined);
    assert.equal(verifiedEvent({ ...headers, "webhook-id": "evt_2" }, body, old ?? "", 1_000_000), undefined);
    assert.equal(verifiedEvent(headers, body, old ?? "", 1_301_000), undefined, "it is old");
  });
});
