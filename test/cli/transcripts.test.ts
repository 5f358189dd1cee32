import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { testStandin } from "../support/test-standin.ts";
import { freshDatabase } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { play } from "./play.ts";
import { writeCredentials } from "./write-credentials.ts";
import { parseTranscript } from "./transcript.ts";

/**
 * Each in a folder of its own, with a master key, and with the client of a stand-in of its own. The limit of a test holds for
 * a whole suite as well, unless that has one of its own: a busy machine takes longer for all of these together.
 */
describe("the command line", { concurrency: 2, timeout: 900_000 }, () => {
  // The program is started a hundred times over: what Node compiled once is kept for the next start.
  let compiled: string;
  before(async () => {
    compiled = await mkdtemp(join(tmpdir(), "onbehalf-compiled-"));
  });
  // A program that was told to end may still be writing there.
  after(() => rm(compiled, { recursive: true, force: true, maxRetries: 10 }));

  for (const path of globSync(new URL("**/*.txt", import.meta.url).pathname).sort()) {
    const transcript = parseTranscript(readFileSync(path, "utf8"));
    test(`the command line: ${basename(path, ".txt")}: ${transcript.title}`, async (t) => {
      const folder = await temporaryFolder(t);
      await using standin = await testStandin();
      const store: Record<string, string> = path.includes("/postgres/")
        ? { ONBEHALF_STORE: await freshDatabase(t) }
        : {};
      await play(transcript, folder, {
        ...(await writeCredentials(folder, standin)),
        ...store,
        NODE_COMPILE_CACHE: compiled,
      });
    });
  }
});
