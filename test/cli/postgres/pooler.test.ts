import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { generateMasterKey } from "../../../src/index.ts";
import { errorResponse, faultyPooler, message, noTenant } from "../../support/faulty-pooler.ts";
import type { PoolerMood } from "../../support/faulty-pooler.ts";
import { emptyDatabase } from "../../support/postgres.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const main = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));

const moods: Readonly<Record<string, PoolerMood>> = {
  "that there is no such tenant": { says: noTenant },
  "that our statement is wrong, before there was one": { says: errorResponse({ S: "ERROR", C: "42601", M: "syntax" }) },
  "an error without a code": { says: errorResponse({ M: "no" }) },
  "an error that lacks its end": { says: message("E", Buffer.from("SFATAL\0CXX000\0")) },
  "a page of HTML": { says: Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n") },
};

/** What a command prints and how it ends. */
async function run(
  args: readonly string[],
  env: Record<string, string>,
  cwd: string,
): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [main, ...args],
      { env: { PATH: process.env["PATH"] ?? "", ...env }, cwd },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), text: stdout + stderr });
      },
    );
    child.stdin?.end();
  });
}

describe("commands over a PostgreSQL pooler that answers nonsense", () => {
  for (const [what, mood] of Object.entries(moods)) {
    test(`doctor, migrate, serve and grants list say one thing and what to do where the pooler says ${what}`, async (t) => {
      const pooler = await faultyPooler(t, await emptyDatabase(t));
      const folder = await temporaryFolder(t);
      const env = {
        ONBEHALF_STORE: pooler.url,
        ONBEHALF_KEY: generateMasterKey().expose(),
        ONBEHALF_CLIENT_ID: "1-x.apps.googleusercontent.com",
        ONBEHALF_CLIENT_SECRET: "GOCSPX-secret-of-a-test",
        ONBEHALF_GOOGLE_BASE_URL: "http://127.0.0.1:1",
        PORT: "0",
      };
      pooler.become(mood);
      for (const [args, hint] of [
        [["doctor"], /^fail {2}store {8}the database .*\n {19}do: ./m],
        [["migrate"], /^onbehalf: the database .*\nonbehalf: hint: ./m],
        [["serve"], /^onbehalf: the database .*\nonbehalf: hint: ./m],
        [["serve", "--keeper", "none"], /^onbehalf: the database .*\nonbehalf: hint: ./m],
        [["grants", "list"], /^onbehalf: the database .*\nonbehalf: hint: ./m],
      ] as const) {
        const { code, text } = await run(args, env, folder);
        assert.equal(code, 1, text);
        assert.match(text, hint);
        assert.doesNotMatch(text, /^\s+at |is a bug|Warning/m, args.join(" "));
      }
    });
  }
});
