/** `openVault({ keeper: "process" })`: what becomes of both processes, and of what they were at. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { Worker } from "node:worker_threads";
import {
  generateMasterKey,
  google,
  isOnbehalfError,
  keyringFromEnv,
  keyringFromFile,
  keyringFromKeys,
  movableClock,
  openVault,
} from "../../src/index.ts";
import type { Vault, VaultEvent, VaultOptions } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { isKeeper, processesOf, runVariable, signal } from "../../tools/chaos/processes.ts";
import { accepts } from "../support/accepts.ts";
import { expiredGrants, untilRefreshed } from "../support/expired-grants.ts";
import { writableMemory } from "../support/process-memory.ts";
import { findSecret } from "../support/secret-encodings.ts";
import { issuedToken } from "../support/issued-tokens.ts";
import { outcomes, testVault, until, usualScope } from "../support/test-vault.ts";
import type { TestVault } from "../support/test-vault.ts";
import { startApp } from "./app-process.ts";

const isLinux = process.platform === "linux";
const onLinux = { skip: !isLinux && "it is looked into by Linux's process table" };

/** Every process that this one starts from now on is of this run. */
const run = randomUUID();
process.env[runVariable] = run;

const keepers = (): number[] =>
  processesOf(run)
    .filter(isKeeper)
    .map(({ pid }) => pid);

/** A vault in this process, over the fixture's file; its keeper is another one. */
async function opened(
  t: TestContext,
  { path, key, provider }: TestVault,
  options: Partial<VaultOptions> = {},
): Promise<Vault> {
  const vault = await openVault({
    provider,
    store: sqlite(path),
    keyring: keyringFromKeys(key),
    keeper: "process",
    ...options,
  });
  t.after(() => vault.close());
  return vault;
}

describe("an app that is killed, and its keeper's process", onLinux, () => {
  test("an app is killed in mid-refresh at a strict provider: its keeper stores the answer and ends, and the next app has the token", async (t) => {
    const fixture = await expiredGrants(t, "strict");
    const { standin, grantId } = fixture;
    standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 1_000 });
    const app = startApp(t, fixture, { grantId });
    await untilRefreshed(fixture);
    signal(app.pid, "SIGKILL");
    assert.equal(await app.ended, "SIGKILL");
    assert.ok(await app.allEnded(), "the keeper ends by itself");
    const next = await fixture.open();
    const { state, generation } = await next.grant(grantId);
    assert.deepEqual([state, generation], ["active", 2]);
    assert.ok(await accepts(standin, (await next.getAccessToken(grantId)).token));
    assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
  });

  test("an app is killed in mid-exchange of a code: its keeper makes the grant", async (t) => {
    const fixture = await testVault(t, { clock: movableClock() });
    fixture.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 1_000 });
    const app = startApp(t, fixture, { code: fixture.code("ada@example.com") });
    await until(() => fixture.standin.log().counts["exchanged"] === 1);
    signal(app.pid, "SIGKILL");
    assert.ok(await app.allEnded());
    const { grants } = await (await fixture.open()).grants();
    assert.deepEqual(
      grants.map(({ state, offline }) => [state, offline]),
      [["active", true]],
    );
    assert.deepEqual(outcomes(fixture.newRequests()), { exchanged: 1 });
  });

  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    test(`${name} to the whole group of an app in mid-refresh ends the app, and its keeper stores the answer first`, async (t) => {
      const fixture = await expiredGrants(t, "strict");
      const { standin, grantId } = fixture;
      standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 1_000 });
      const app = startApp(t, fixture, { grantId });
      await untilRefreshed(fixture);
      // As a terminal does with Ctrl+C; and to the keeper itself, as a supervisor that ends everything.
      process.kill(-app.pid, name);
      for (const pid of app.keepers()) signal(pid, name);
      assert.equal(await app.ended, name);
      assert.ok(await app.allEnded());
      const next = await fixture.open();
      assert.ok(await accepts(standin, (await next.getAccessToken(grantId)).token));
      assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
    });
  }

  for (const end of ["close", "nothing"] as const) {
    test(`an app that has nothing to do any more ends with 0, and no keeper is left: at the end, ${end}`, async (t) => {
      const fixture = await expiredGrants(t, "strict");
      const app = startApp(t, fixture, { grantId: fixture.grantId, end });
      assert.equal(await app.ended, 0, app.output());
      assert.ok(await app.allEnded());
      assert.ok(await accepts(fixture.standin, app.output().trim()), app.output());
      assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
    });
  }

  test("whoever waits for the end of a killed app's output does not wait for its keeper", async (t) => {
    const fixture = await expiredGrants(t, "strict");
    fixture.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 20_000 });
    const app = startApp(t, fixture, { grantId: fixture.grantId });
    await untilRefreshed(fixture);
    signal(app.pid, "SIGKILL");
    // Resolves once stdout and stderr are closed by all that have them.
    await app.ended;
    assert.equal(app.keepers().length, 1, "the keeper is still at work");
  });

  test("twelve apps at once on one SQLite file, each with a keeper: one refresh, and each has the token", async (t) => {
    const fixture = await expiredGrants(t, "strict");
    const apps = Array.from({ length: 12 }, () => startApp(t, fixture, { grantId: fixture.grantId }));
    const tokens = new Set<string>();
    for (const app of apps) {
      assert.equal(await app.ended, 0, app.output());
      tokens.add(app.output().trim());
      assert.ok(await app.allEnded());
    }
    assert.equal(tokens.size, 1);
    assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 1 });
  });
});

describe("a keeper's process that is killed", onLinux, () => {
  test("a keeper is killed in mid-refresh at a provider that keeps its token: the call that waits is answered by the next keeper", async (t) => {
    const fixture = await expiredGrants(t, "none");
    const faults: string[] = [];
    const vault = await opened(t, fixture, { onFault: (error) => faults.push(String(error)) });
    fixture.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 30_000 });
    const waiting = vault.getAccessToken(fixture.grantId);
    await untilRefreshed(fixture);
    const before = keepers();
    for (const pid of before) signal(pid, "SIGKILL");
    assert.ok(await accepts(fixture.standin, (await waiting).token));
    assert.deepEqual(outcomes(fixture.newRequests()), { refreshed: 2 });
    assert.match(faults.join(), /the keeper's process ended by SIGKILL; another one is started/);
    assert.deepEqual(
      keepers().filter((pid) => before.includes(pid)),
      [],
    );
    // Tokens that live are handed out without a keeper.
    for (const pid of keepers()) signal(pid, "SIGKILL");
    const { token } = await vault.getAccessToken(fixture.grantId);
    assert.equal(token, (await waiting).token);
  });

  test("a vault is closed in mid-refresh: it waits for the answer to be stored, and its keeper is gone", async (t) => {
    const fixture = await expiredGrants(t, "strict");
    const vault = await opened(t, fixture);
    fixture.standin.fault("POST", "/token", { times: 1, after: "answer", delayMs: 1_000 });
    const waiting = vault.getAccessToken(fixture.grantId);
    await untilRefreshed(fixture);
    await vault.close();
    assert.deepEqual(keepers(), []);
    const { token } = await waiting;
    assert.equal((await (await fixture.open()).getAccessToken(fixture.grantId)).token, token);
    await assert.rejects(vault.exchangeCode({ code: "4/0Alate" }), { code: "store_unavailable" });
  });
});

describe("what a keeper's process tells the app", () => {
  test("events and the times in errors come as they do without a process", async (t) => {
    const fixture = await testVault(t, { rotation: "strict", clock: movableClock(), provider: { rotation: "strict" } });
    const events: VaultEvent[] = [];
    const vault = await opened(t, fixture, { onEvent: (event) => events.push(event) });
    const { grantId } = await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-1" });
    assert.deepEqual(events, [{ type: "grant_stored", grantId, provider: "google", offline: true }]);
    const refreshToken = await issuedToken(fixture.standin, "carl@example.com", usualScope);
    fixture.standin.fault("POST", "/token", { times: 1, after: "answer", drop: true });
    const deposit = { refreshToken, externalId: "user-2" };
    await assert.rejects(vault.deposit(deposit));
    await assert.rejects(
      vault.deposit(deposit),
      (error) => isOnbehalfError(error, "deposit_outcome_unknown") && error.details.sentAt instanceof Date,
    );
    const rows = await vault.audit.list();
    assert.equal(rows.find(({ action }) => action === "grant.created")?.caller, "@library");
  });

  test("a listener of the app's that throws at an event of the keeper does no harm", async (t) => {
    const fixture = await testVault(t, { clock: movableClock() });
    const warnings: string[] = [];
    const note = ({ message }: Error): void => void warnings.push(message);
    process.on("warning", note);
    t.after(() => process.off("warning", note));
    const vault = await opened(t, fixture, {
      onEvent: () => {
        throw new TypeError("broken");
      },
    });
    const { state } = await vault.exchangeCode({ code: fixture.code("ada@example.com") });
    assert.equal(state, "active");
    await until(() => warnings.some((text) => /unexpected error during onEvent/.test(text)));
  });

  for (const [name, options, expected] of [
    ["another master key", { keyring: keyringFromKeys(generateMasterKey()) }, /^key_invalid .*sealed with another/],
    ["a variable that is not there", { keyring: keyringFromEnv("NEVER_SET") }, /^key_invalid .*variable NEVER_SET/],
    ["a key file that is not there", { keyring: keyringFromFile("never.key") }, /^key_invalid .*never\.key/],
    ["a key that is none", { keyring: keyringFromKeys("obm_x") }, /^key_invalid /],
    ["a source of no keys", { keyring: () => [] }, /^key_invalid no master key was given/],
    ["a source of something else", { keyring: () => "obm_x" }, /^configuration_invalid keyring must give a list/],
    ["a client file that is not there", { provider: google({ clientSecretFile: "never.json" }) }, /never\.json/],
    [
      "a line end in a secret",
      { provider: google({ clientId: "x", clientSecret: "GOCSPX-a\n" }) },
      /^configuration_inv/,
    ],
    ["no provider", { provider: undefined }, /^configuration_invalid a provider must be given/],
    ["a folder as a file", { store: sqlite("/proc/none/x.db") }, /^store_(?:unavailable|unusable) /],
    ["a program that is not there", { keeperProgram: "/never/there.js" }, /^keeper_unavailable .*exit code 1/],
  ] as const) {
    test(`openVault rejects as without a process, and leaves none behind, with ${name}`, async (t) => {
      const fixture = await testVault(t, { clock: movableClock() });
      await (await fixture.open()).close();
      const { path, key, provider } = fixture;
      const all = { provider, store: sqlite(path), keyring: keyringFromKeys(key), keeper: "process", ...options };
      await openVault(all as VaultOptions).then(
        () => assert.fail("it was opened"),
        (error: unknown) => assert.match(isOnbehalfError(error) ? `${error.code} ${error.message}` : "", expected),
      );
      if (isLinux) assert.deepEqual(keepers(), []);
    });
  }

  test("what the app's own source of the master key throws comes out of openVault as it is", async (t) => {
    const fixture = await testVault(t, { clock: movableClock() });
    const thrown = new TypeError("the key service is away");
    await assert.rejects(
      opened(t, fixture, {
        keyring: async () => {
          throw thrown;
        },
      }),
      (error) => error === thrown,
    );
  });
});

describe("what each process is given", onLinux, () => {
  test("neither arguments nor environment of a keeper's process show the client's secret or a key that the app gave", async (t) => {
    const fixture = await testVault(t, { clock: movableClock() });
    await opened(t, fixture);
    const [keeper = 0] = keepers();
    for (const name of ["environ", "cmdline"]) {
      const text = readFileSync(`/proc/${keeper}/${name}`);
      assert.equal(findSecret(text, fixture.key.expose()), undefined);
      assert.equal(findSecret(text, fixture.standin.clientSecret), undefined);
    }
    const flags = readFileSync(`/proc/${keeper}/cmdline`, "latin1").split("\0");
    for (const flag of ["--max-semi-space-size=8", "--disable-sigusr1", "--report-exclude-env"]) {
      assert.ok(flags.includes(flag), flag);
    }
  });

  test("an app whose secrets stand in files holds neither master key, client secret nor refresh token in its memory", async (t) => {
    const fixture = await testVault(t, { clock: movableClock() });
    const { standin, key, path } = fixture;
    const files = { key: join(dirname(path), "master.key"), client: join(dirname(path), "client_secret.json") };
    await writeFile(files.key, key.expose(), { mode: 0o600 });
    const web = { client_id: standin.clientId, client_secret: standin.clientSecret, token_uri: `${standin.url}/token` };
    await writeFile(files.client, JSON.stringify({ web }));
    const plain = { url: standin.url, clientId: "", clientSecret: "" };
    const app = startApp(
      t,
      fixture,
      { files, standin: plain, code: fixture.code("ada@example.com"), end: "stay" },
      { environment: { ONBEHALF_TEST_KEY: "" } },
    );
    await until(() => app.output().includes("\n"));
    const holds = (pid: number): string[] =>
      [...writableMemory(pid)].flatMap((part) =>
        [key.expose(), standin.clientSecret].filter((secret) => findSecret(part, secret) !== undefined),
      );
    assert.deepEqual(holds(app.pid), [], app.output());
    const [keeper = 0] = app.keepers();
    assert.notDeepEqual(holds(keeper), [], "what is looked for is found where it is");
  });

  test("an app with a debugger, modules that it loads first, and variables of its own: none of its code runs in the keeper", async (t) => {
    const fixture = await expiredGrants(t, "strict");
    const mark = `${fixture.path}.loaded`;
    const module = join(dirname(fixture.path), "first.mjs");
    await writeFile(
      module,
      `import { appendFileSync } from "node:fs"; appendFileSync(${JSON.stringify(mark)}, process.argv[1] + "\\n");`,
    );
    const app = startApp(
      t,
      fixture,
      { grantId: fixture.grantId },
      { flags: ["--inspect=127.0.0.1:0", "--import", module], environment: { NODE_OPTIONS: `--import=${module}` } },
    );
    assert.equal(await app.ended, 0, app.output());
    assert.doesNotMatch(readFileSync(mark, "utf8"), /keeper-process/);
    assert.equal(app.output().match(/Debugger listening/g)?.length, 1);
  });
});

test("a vault in a worker thread has a keeper's process, which ends with the thread", onLinux, async (t) => {
  const fixture = await expiredGrants(t, "strict");
  const { url, clientId, clientSecret } = fixture.standin;
  const modules = new URL("../../src/", import.meta.url).href;
  const worker = new Worker(
    `const { parentPort, workerData: { url, clientId, clientSecret, path, key, grantId } } = require("node:worker_threads");
     (async () => {
       const { google, keyringFromKeys, openVault } = await import(${JSON.stringify(`${modules}index.ts`)});
       const { sqlite } = await import(${JSON.stringify(`${modules}store/sqlite/index.ts`)});
       const vault = await openVault({
         provider: { ...google({ clientId, clientSecret, baseUrl: url }), rotation: "strict" },
         store: sqlite(path),
         keyring: keyringFromKeys(key),
         keeper: "process",
       });
       parentPort.postMessage((await vault.getAccessToken(grantId)).token);
       setInterval(() => undefined, 60_000);
     })();`,
    {
      eval: true,
      workerData: {
        url,
        clientId,
        clientSecret,
        path: fixture.path,
        key: fixture.key.expose(),
        grantId: fixture.grantId,
      },
    },
  );
  const token = await new Promise<unknown>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  assert.ok(await accepts(fixture.standin, String(token)));
  assert.equal(keepers().length, 1);
  await worker.terminate();
  await until(() => keepers().length === 0);
});
