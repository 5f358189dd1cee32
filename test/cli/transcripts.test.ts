import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { generateMasterKey } from "../../src/index.ts";
import { startStandin } from "../../src/standin/index.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { play } from "./play.ts";
import { parseTranscript } from "./transcript.ts";

/**
 * Each in a folder with a master key (`key.txt`) and the client of a stand-in of its own (`client_secret.json`), and
 * with the environment set to both.
 */
describe("the command line", { concurrency: 2 }, () => {
  // The program is started a hundred times over: what Node compiled once is kept for the next start.
  let compiled: string;
  before(async () => {
    compiled = await mkdtemp(join(tmpdir(), "onbehalf-compiled-"));
  });
  after(() => rm(compiled, { recursive: true, force: true }));

  for (const path of globSync(new URL("*.txt", import.meta.url).pathname).sort()) {
    const transcript = parseTranscript(readFileSync(path, "utf8"));
    test(`${basename(path, ".txt")}: ${transcript.title}`, async (t) => {
      const folder = await temporaryFolder(t);
      await using standin = await startStandin();
      const { url, clientId, clientSecret } = standin;
      await writeFile(join(folder, "key.txt"), `${generateMasterKey().expose()}\n`, { mode: 0o600 });
      await writeFile(
        join(folder, "client_secret.json"),
        JSON.stringify({ web: { client_id: clientId, client_secret: clientSecret } }),
        { mode: 0o600 },
      );
      await play(transcript, folder, {
        STANDIN: url,
        ONBEHALF_GOOGLE_BASE_URL: url,
        ONBEHALF_KEY_FILE: "key.txt",
        ONBEHALF_CLIENT_SECRET_FILE: "client_secret.json",
        PORT: "0",
        NODE_COMPILE_CACHE: compiled,
      });
    });
  }
});
