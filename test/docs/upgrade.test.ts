import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { generateMasterKey, google, keyringFromKeys, openVault } from "../../src/index.ts";
import { migrations } from "../../src/store/sqlite/migrations.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { installCommand } from "../support/checkout-bin.ts";
import { sampleLanguages } from "../support/sample-languages.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testStandin } from "../support/test-standin.ts";
import { blocksFor } from "./block-runners.ts";
import { runAsPasted } from "./page-session.ts";

const run = promisify(execFile);

/** The folder of a service that somebody has signed in at. */
async function serviceFolder(t: TestContext): Promise<{ folder: string; env: Record<string, string | undefined> }> {
  const folder = await temporaryFolder(t);
  const standin = await testStandin();
  t.after(() => standin.close());
  const { clientId, clientSecret, url: baseUrl } = standin;
  const key = generateMasterKey();
  {
    await using vault = await openVault({
      provider: google({ clientId, clientSecret, baseUrl }),
      store: sqlite(join(folder, "onbehalf.db")),
      keyring: keyringFromKeys(key),
    });
    const code = standin.code({ email: "ada@example.com", scope: "openid email" });
    await vault.exchangeCode({ code, source: "android" });
  }
  await writeFile(join(folder, "master.key"), key.expose(), { mode: 0o600 });
  const file = JSON.stringify(standin.clientSecretFile());
  await writeFile(join(folder, "client_secret.json"), file, { mode: 0o600 });
  const languages = await sampleLanguages(folder);
  const env = {
    ...languages,
    PATH: [await installCommand(await temporaryFolder(t)), languages["PATH"]].join(delimiter),
    ONBEHALF_KEY_FILE: "master.key",
    ONBEHALF_CLIENT_SECRET_FILE: "client_secret.json",
    ONBEHALF_GOOGLE_BASE_URL: baseUrl,
  };
  return { folder, env };
}

describe("docs/upgrade.md", { timeout: 60_000 }, () => {
  test("docs/upgrade.md: a backup is made, and a copy of it tried with this version", async (t) => {
    const { folder, env } = await serviceFolder(t);
    await runAsPasted(t, blocksFor("upgrade"), { folder, env });
    // It holds what was there: an older version finds everything when it is put back.
    const backup = new DatabaseSync(join(folder, "before.db"), { readOnly: true });
    t.after(() => backup.close());
    assert.deepEqual(backup.prepare("SELECT count(*) AS grants FROM grants").get()?.["grants"], 1);
  });

  test("docs/upgrade.md: doctor says of a store that is behind that a migration is due", async (t) => {
    const { folder, env } = await serviceFolder(t);
    const database = new DatabaseSync(join(folder, "onbehalf.db"));
    database.prepare("DELETE FROM onbehalf_migrations WHERE name = ?").run(migrations.at(-1)?.name ?? "");
    database.close();
    const failed = (await run("onbehalf", ["doctor"], { cwd: folder, env }).catch((error: unknown) => error)) as {
      readonly code: number;
      readonly stdout: string;
    };
    assert.equal(failed.code, 1);
    assert.match(failed.stdout, /the database's schema is behind: it lacks /);
  });

  test("docs/upgrade.md: a store that a newer version has migrated is refused in the words of the page", async (t) => {
    const { folder, env } = await serviceFolder(t);
    const database = new DatabaseSync(join(folder, "onbehalf.db"));
    database.prepare("INSERT INTO onbehalf_migrations (name, applied_at) VALUES ('0099-later', 0)").run();
    database.close();
    const [refusal] = blocksFor("upgrade, refusal");
    for (const command of [["serve"], ["grants", "list"], ["migrate"]]) {
      const failed = (await run("onbehalf", command, { cwd: folder, env }).catch((error: unknown) => error)) as {
        readonly code: number;
        readonly stderr: string;
      };
      assert.equal(failed.code, 1, command.join(" "));
      assert.ok(failed.stderr.includes(refusal?.text ?? "no block"), failed.stderr);
    }
  });
});
