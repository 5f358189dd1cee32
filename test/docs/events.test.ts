import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { checkout } from "../support/checkout-bin.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testService } from "../support/test-service.ts";
import { blocksFor } from "./block-runners.ts";

const run = promisify(execFile);
const [program = "", printed] = blocksFor("events").map(({ text }) => text);

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
});
