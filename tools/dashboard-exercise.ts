/**
 * Sets somebody who has never seen the dashboard before it, with a clock: three grants have died, for three reasons. Which, who can
 * mend them, and can they bring back the two that can be? `node tools/dashboard-exercise.ts`; it runs until it is stopped.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { generateMasterKey, google, isOnbehalfError, keyringFromKeys, openVault } from "../src/index.ts";
import type { Vault } from "../src/index.ts";
import { systemClock } from "../src/core/clock.ts";
import { dashboardLink } from "../src/service/http/dashboard/link.ts";
import { startServer } from "../src/service/index.ts";
import { startStandin } from "../src/standin/index.ts";
import type { Standin } from "../src/standin/index.ts";
import { sqlite } from "../src/store/sqlite/index.ts";

const scope = "openid email profile https://www.googleapis.com/auth/drive.appdata";
/** Longer than an access token lives, milliseconds. */
const pauseMs = 3_700_000;
const anna = "anna@workspace.example";

/** A dashboard with dead grants, on this machine. */
interface Exercise {
  /** A link that lets one browser in, for ten minutes. */
  link(): Promise<string>;
  /** What anna's administrator does when asked. */
  allow(): void;
  close(): Promise<void>;
}

async function startExercise(): Promise<Exercise> {
  // The grants die in hours that have gone by: from then on this is the clock on the wall, and no sign-in ends before its time.
  let behindMs = 3 * pauseMs;
  const clock = { now: () => systemClock.now() - behindMs };
  const [standin, folder] = await Promise.all([startStandin({ clock }), mkdtemp(join(tmpdir(), "onbehalf-"))]);
  const { clientId, clientSecret, url: baseUrl } = standin;
  const vault = await openVault({
    providers: [{ ...google({ clientId, clientSecret, baseUrl }), scopes: scope.split(" ") }],
    store: sqlite(join(folder, "grants.db")),
    keyring: keyringFromKeys(generateMasterKey()),
    clock,
  });
  const server = await startServer(vault, { port: 0, dashboard: true, returnUrls: "own", appName: "Notes" });
  const pass = (): void => {
    behindMs -= pauseMs;
  };
  await died(vault, standin, { externalId: "anna", email: anna }, pass, () =>
    standin.person({ email: anna, refusal: "admin_policy_enforced" }),
  );
  const bert = "bert@example.com";
  await died(vault, standin, { externalId: "bert", email: bert }, pass, () => standin.revoke(bert));
  await died(vault, standin, { externalId: "cleo", email: "cleo@example.com", accessType: "online" }, pass);
  return {
    link: () => dashboardLink(vault, server.url),
    allow: () => {
      standin.person({ email: anna, refusal: null });
    },
    close: async () => {
      await server.close();
      await Promise.all([vault.close(), standin.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Person {
  readonly externalId: string;
  readonly email: string;
  readonly accessType?: "online";
}

/** Somebody's grant, which gives no token any more. */
async function died(
  vault: Vault,
  standin: Standin,
  { externalId, ...person }: Person,
  pass: () => void,
  end?: () => unknown,
): Promise<void> {
  await vault.exchangeCode({ code: standin.code({ ...person, scope }), externalId });
  end?.();
  pass();
  const error: unknown = await vault.getAccessToken({ externalId }).catch((refused: unknown) => refused);
  if (!isOnbehalfError(error, "reauthorization_required"))
    throw new Error(`${externalId}'s grant lives`, { cause: error });
}

async function run(): Promise<void> {
  const exercise = await startExercise();
  const tell = (...lines: readonly string[]): boolean => process.stdout.write(`${lines.join("\n")}\n`);
  tell(
    "Three grants of the app Notes have died. Find out why each did, and bring back those that can be.",
    "You are the people, too: open the reconnect links that you make in another window.",
    "Type `allow` where you would ask Anna's administrator for something, and `link` for another sign-in. The clock runs from here:",
    "",
    await exercise.link(),
  );
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    if (line.trim() === "allow") {
      exercise.allow();
      tell("The administrator has allowed the app.");
    } else if (line.trim() === "link") void exercise.link().then(tell);
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      lines.close();
      void exercise.close().then(() => process.exit());
    });
  }
}

await run();
