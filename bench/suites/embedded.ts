/** Tokens that a program asks its own library for. */
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { startProgram } from "../child.ts";
import { fillStore } from "../filled-store.ts";
import { cores } from "../pinning.ts";
import { versionOf } from "../result.ts";
import type { Table } from "../result.ts";
import { inTurn } from "../rounds.ts";
import { rowsOf } from "../suite.ts";
import type { Compared, Run, Suite } from "../suite.ts";
import { tell } from "../worker.ts";

const core = cores.server;
const googleClient = "google-auth-library, a client with its token";
const byHand = "node:sqlite and a GCM open by hand";

async function run(run: Run): Promise<readonly Table[]> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(run.quickFolder, "embedded-"));
  const fromMemory = run.size(300_000, 200);
  const fromStore = run.size(15_000, 20);
  const grants = fromStore * (run.rounds + 1);
  run.tell(`filling a store with ${grants} grants`);
  const path = join(folder, "grants.db");
  const filled = JSON.stringify(await fillStore(`sqlite:${path}`, () => sqlite(path), grants));

  const worker = async (
    name: string,
    program: string,
    args: readonly string[],
    times: number,
    more: Partial<Compared> = {},
  ): Promise<Compared> => {
    const child = stack.adopt(await startProgram<object>(program, { core, args }), (each) => each.end());
    return {
      name,
      ...more,
      async measure() {
        const { cpuSeconds } = await tell(child, { what: "read", times, atOnce: 1 });
        return times / cpuSeconds;
      },
    };
  };
  const memory: Compared[] = [];
  const store: Compared[] = [
    await worker(byHand, "servers/by-hand-reads.ts", [join(folder, "hand.db"), String(grants)], fromStore, {
      settings: `one prepared SELECT of the sealed token, one AES-256-GCM open with one key; each grant once`,
    }),
  ];
  const [googleVersion, betterAuth] = [versionOf("google-auth-library"), versionOf("better-auth")];
  if (googleVersion === undefined) run.leaveOut("google-auth-library", "not installed: npm ci --prefix bench");
  else {
    memory.push(
      await worker(googleClient, "peers/google-client-reads.ts", [], fromMemory, {
        settings: `${googleVersion}; getAccessToken() of one OAuth2Client with credentials that are valid`,
      }),
    );
  }
  const more =
    googleVersion === undefined ? {} : ({ against: googleClient, aim: { of: "ratio", atLeast: 0.5 } } as const);
  memory.push(
    await worker("onbehalf, getAccessToken of 1 grant", "servers/embedded-reads.ts", [filled, "1"], fromMemory, more),
    await worker(
      "onbehalf, getAccessToken of 1,000 grants",
      "servers/embedded-reads.ts",
      [filled, "1000"],
      fromMemory,
      googleVersion === undefined ? {} : { against: googleClient },
    ),
  );
  store.push(
    await worker("onbehalf, each grant once", "servers/embedded-reads.ts", [filled, String(grants)], fromStore, {
      against: byHand,
      aim: { of: "figure", atLeast: 45_000 },
      settings: "defaults, keeper in the same process; the token is not in memory yet",
    }),
  );
  if (betterAuth === undefined) run.leaveOut("Better Auth", "not installed: npm ci --prefix bench");
  else {
    const users = run.size(500, 5);
    const times = run.size(3_000, 10);
    store.push(
      await worker("Better Auth, auth.api.getAccessToken", "peers/better-auth-reads.ts", [String(users)], times, {
        against: byHand,
        settings: `${betterAuth}; ${users} users in node:sqlite in memory, tokens not encrypted (its default), no session is read; it reads its database each time`,
      }),
    );
  }
  return [
    {
      title: "A token from memory, embedded",
      unit: "calls per second of CPU time",
      rows: rowsOf(memory, await inTurn(memory, run)),
    },
    {
      title: "A token from a SQLite file, embedded",
      unit: "calls per second of CPU time",
      rows: rowsOf(store, await inTurn(store, run)),
    },
  ];
}

export const embedded: Suite = {
  name: "embedded",
  title: "tokens that a program asks its own library for",
  rounds: 5,
  isPinned: true,
  seconds: (rounds) => 20 + rounds * 6,
  run,
};
