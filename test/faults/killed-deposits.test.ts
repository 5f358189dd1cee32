/**
 * `onbehalf grants deposit` on thousands of lines, killed and begun again, at a provider that replaces each refresh token
 * and ends everything that came of one that is used twice. `DEPOSITS=full`: a hundred thousand lines.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { google, keyringFromFile, movableClock, openVault } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { seeded } from "../../tools/random.ts";
import { writeCredentials } from "../cli/write-credentials.ts";
import { checkout } from "../support/checkout-bin.ts";
import { issuedToken } from "../support/issued-tokens.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testStandin } from "../support/test-standin.ts";
import { appData } from "../support/test-vault.ts";

const isFull = process.env["DEPOSITS"] === "full";
const lines = Number(process.env["DEPOSITS_LINES"] ?? (isFull ? 100_000 : 2_000));
const kills = isFull ? 5 : 3;
const seed = Number(process.env["DEPOSITS_SEED"] ?? 20_261_126);
/** How many grants are refreshed in the end. */
const sample = isFull ? 1_000 : 100;
/** How much more memory a process may have at the end than in its first fifth. */
const mostGrowth = 48 * 2 ** 20;

/** The memory that a process has, bytes; undefined where its system does not tell, or it has ended. */
function memoryOf(pid: number | undefined): number | undefined {
  const path = `/proc/${pid ?? 0}/status`;
  const kilobytes = existsSync(path) ? /VmRSS:\s+(\d+) kB/.exec(readFileSync(path, "latin1"))?.[1] : undefined;
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

test(
  `${lines} deposits at a strict provider, killed ${kills} times and begun again: each is usable, and none was sent twice (DEPOSITS_SEED=${seed})`,
  { timeout: isFull ? 7_200_000 : 900_000 },
  async (t) => {
    const random = seeded(seed);
    const folder = await temporaryFolder(t);
    const standin = await testStandin({ rotation: "strict", revokeFamilyOnReuse: true });
    t.after(() => standin.close());
    const store = join(folder, "grants.db");
    const env = {
      ...process.env,
      ...(await writeCredentials(folder, standin)),
      ONBEHALF_STORE: `sqlite:${store}`,
      ONBEHALF_ROTATION: "strict",
    };
    const onbehalf = (...args: readonly string[]): ChildProcess =>
      spawn(process.execPath, [`${checkout}src/cli/main.ts`, ...args], {
        cwd: folder,
        env,
        stdio: ["ignore", "pipe", "inherit"],
      });
    const sent = (): number => standin.log(Number.MAX_SAFE_INTEGER).counts["refreshed"] ?? 0;

    // Most without a sign-in: signing their ID tokens would take longer than all the rest.
    const issuedFrom = performance.now();
    const file = Array.from({ length: lines }, () => "");
    let next = 0;
    const issue = async (): Promise<void> => {
      for (let at = next++; at < lines; at = next++) {
        const scope = at % 10 === 0 ? `openid email ${appData}` : appData;
        const refreshToken = await issuedToken(standin, `person-${at}@example.com`, scope);
        file[at] = JSON.stringify({ external_id: `user-${at}`, refresh_token: refreshToken });
      }
    };
    await Promise.all(Array.from({ length: 16 }, issue));
    await writeFile(join(folder, "tokens.jsonl"), `${file.join("\n")}\n`);
    t.diagnostic(`${lines} tokens issued in ${((performance.now() - issuedFrom) / 1_000).toFixed(0)} s`);
    assert.equal((await once(onbehalf("migrate"), "exit"))[0], 0);

    // As long as the test may take: a run is longer than anything else waits.
    const until = async (holds: () => boolean): Promise<void> => {
      while (!holds()) await sleep(50);
    };
    const command = ["grants", "deposit", "tokens.jsonl", "--provider", "google", "--rate", "2000/s", "--json"];
    const begunAt = performance.now();
    const killedAt = Array.from({ length: kills }, () => Math.floor(random() * lines * 0.95)).sort((a, b) => a - b);
    for (const threshold of killedAt) {
      const child = onbehalf(...command, "--report", "report.jsonl");
      child.stdout?.resume();
      const ended = once(child, "exit");
      await until(() => sent() >= threshold || child.exitCode !== null);
      assert.equal(child.exitCode, null, "it ended before it was killed");
      child.kill("SIGKILL");
      await ended;
    }

    const memory: number[] = [];
    const last = onbehalf(...command, "--report", "report.jsonl");
    let printed = "";
    last.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    const ended = once(last, "exit");
    await until(() => {
      memory.push(memoryOf(last.pid) ?? memory.at(-1) ?? 0);
      return last.exitCode !== null;
    });
    assert.equal((await ended)[0], 0, printed);
    const seconds = (performance.now() - begunAt) / 1_000;
    const summary = JSON.parse(printed.trim().split("\n").at(-1) ?? "") as Record<string, number>;
    t.diagnostic(
      `${seconds.toFixed(0)} s with ${kills} kills at ${killedAt.join(", ")}: ${(lines / seconds).toFixed(0)} a second`,
    );
    t.diagnostic(`the last run: ${printed.trim()}`);
    assert.equal((summary["deposited"] ?? 0) + (summary["already"] ?? 0), lines);

    const { counts } = standin.log(Number.MAX_SAFE_INTEGER);
    assert.deepEqual(
      { refreshed: counts["refreshed"], reused: counts["reused_token"] ?? 0 },
      { refreshed: lines, reused: 0 },
    );

    const fifth = Math.ceil(memory.length / 5);
    const [early, late] = [Math.max(...memory.slice(0, fifth)), Math.max(...memory.slice(-fifth))];
    t.diagnostic(`memory of the command: ${mebibytes(early)} in the first fifth, ${mebibytes(late)} in the last`);
    if (early > 0) assert.ok(late - early < mostGrowth, `from ${mebibytes(early)} to ${mebibytes(late)}`);

    const clock = movableClock();
    clock.advance(7_200_000);
    const { clientId, clientSecret, url: baseUrl } = standin;
    await using vault = await openVault({
      provider: { ...google({ clientId, clientSecret, baseUrl }), rotation: "strict" },
      store: sqlite(store),
      keyring: keyringFromFile(join(folder, "key.txt")),
      clock,
    });
    for (let at = 0; at < sample; at += 1) {
      const externalId = `user-${Math.floor(random() * lines)}`;
      const { token } = await vault.getAccessToken({ externalId }, { minTtlSeconds: 300 });
      assert.notEqual(token, "");
    }
    assert.equal(standin.log(Number.MAX_SAFE_INTEGER).counts["reused_token"] ?? 0, 0);
    assert.ok(sent() > lines, "the sample was refreshed");
  },
);
