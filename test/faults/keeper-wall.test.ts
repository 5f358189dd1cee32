/**
 * The process that serves is looked into as somebody would who gets a dump of it: its environment and arguments, its
 * memory, a core, a heap snapshot and a diagnostic report. Planted values must be in none of them.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { movableClock } from "../../src/index.ts";
import { signal } from "../../tools/chaos/processes.ts";
import { partsOf, writableMemory } from "../support/process-memory.ts";
import { findSecret } from "../support/secret-encodings.ts";
import { testVault, until } from "../support/test-vault.ts";
import type { TestVault } from "../support/test-vault.ts";
import { startServiceProcess } from "./service-process.ts";
import type { ServiceProcess } from "./service-process.ts";

const isLinux = process.platform === "linux";

interface Scene {
  readonly fixture: TestVault;
  readonly service: ServiceProcess;
  /** By what each is. None may be in the process that serves. */
  readonly planted: ReadonlyMap<string, string>;
  /** A code that was exchanged. */
  readonly code: string;
  ask(path: string, init?: RequestInit): Promise<Response>;
}

/** A service that has exchanged a code and refreshed, with secrets in its environment, some of which it knows nothing of. */
async function scene(t: TestContext, settings: Readonly<Record<string, string>> = {}): Promise<Scene> {
  const refreshTokens = new Set<string>();
  const fixture = await testVault(t, { clock: movableClock() });
  const vault = await fixture.open({
    fetch: async (input, init) => {
      const answer = await fetch(input, init);
      const [, token] = /"refresh_token":\s*"([^"]+)"/.exec(await answer.clone().text()) ?? [];
      if (token !== undefined) refreshTokens.add(token);
      return answer;
    },
  });
  const { grantId } = await vault.exchangeCode({ code: fixture.code("carl@example.com") });
  const { key: callerKey } = await vault.callers.create("backend", { allow: ["token", "grants:create"] });
  const stray = `obk_${randomBytes(8).toString("hex")}_${randomBytes(32).toString("hex")}_00000000`;
  const elsewhere = `planted-${randomBytes(16).toString("hex")}`;
  const service = await startServiceProcess(t, fixture, {
    PLANTED_CALLER: stray,
    PLANTED_API_TOKEN: elsewhere,
    ...settings,
  });
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${service.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${callerKey.expose()}`, ...(init.headers as Record<string, string>) },
    });
  const code = fixture.code("ada@example.com");
  const consent = await ask("/v1/grants", {
    method: "POST",
    body: new URLSearchParams({ code }),
  });
  assert.equal(consent.status, 200);
  assert.equal((await ask(`/v1/grants/${grantId}/token?min_ttl_seconds=86400`)).status, 200);
  assert.equal(refreshTokens.size, 1);
  return {
    fixture,
    service,
    ask,
    code,
    planted: new Map([
      ["the master key", fixture.key.expose()],
      ["the master key's random part", fixture.key.expose().slice(4, 47)],
      ["the client secret", fixture.standin.clientSecret],
      ["a caller's key in the environment", stray],
      ["a token of another program", elsewhere],
      ...[...refreshTokens].map((token, at) => [`refresh token ${at}`, token] as const),
    ]),
  };
}

/** Everything planted that stands in a part of something, each once. */
function foundIn(parts: Iterable<Buffer>, planted: ReadonlyMap<string, string>): string[] {
  const found = new Set<string>();
  for (const part of parts) {
    for (const [name, secret] of planted) {
      const form = findSecret(part, secret);
      if (form !== undefined) found.add(`${name}, ${form}`);
    }
    const raw = Buffer.from(planted.get("the master key's random part") ?? "", "base64url");
    if (raw.length > 0 && part.includes(raw)) found.add("the master key's bytes");
  }
  return [...found];
}

/** Makes the process that serves write a heap snapshot and a report when it gets SIGUSR2. */
async function dumper({ path }: { readonly path: string }): Promise<string> {
  const file = join(dirname(path), "dumper.mjs");
  await writeFile(
    file,
    `import { writeHeapSnapshot } from "node:v8";
     import { renameSync } from "node:fs";
     if (/cli.main/.test(process.argv[1])) process.on("SIGUSR2", () => {
       process.report.writeReport(${JSON.stringify(`${path}.report`)});
       writeHeapSnapshot(${JSON.stringify(`${path}.part`)});
       renameSync(${JSON.stringify(`${path}.part`)}, ${JSON.stringify(`${path}.heap`)});
     });`,
  );
  return `--import=${file}`;
}

describe("the process that serves", { skip: !isLinux && "it is looked into by Linux's process table" }, () => {
  test("the process that serves holds neither master key, client secret nor refresh token: environment, arguments, memory", async (t) => {
    const { service, planted, ask } = await scene(t);
    const of = (name: string): Buffer => readFileSync(`/proc/${service.pid}/${name}`);
    assert.deepEqual(foundIn([of("environ"), of("cmdline")], planted), []);
    assert.deepEqual(foundIn(writableMemory(service.pid), planted), []);
    // Another keeper has the secrets all the same.
    const [first] = service.keepers();
    assert.ok(first !== undefined);
    assert.notDeepEqual(foundIn(writableMemory(first), planted), [], "what is looked for is found where it is");
    signal(first, "SIGKILL");
    await until(async () => (await ask("/readyz")).status === 200 && !service.keepers().includes(first));
    const again = await ask("/v1/grants", { method: "POST", body: new URLSearchParams({ code: "4/0Anever-issued" }) });
    assert.equal(again.status, 400);
    assert.deepEqual(foundIn(writableMemory(service.pid), planted), []);
    assert.deepEqual(foundIn([of("environ"), of("cmdline")], planted), []);
  });

  test("the process that serves holds no secret that came as a flag or in a file", async (t) => {
    const plain = await testVault(t, {});
    const folder = dirname(plain.path);
    await writeFile(join(folder, "master.key"), plain.key.expose(), { mode: 0o600 });
    const { standin } = plain;
    const secret = {
      web: { client_id: standin.clientId, client_secret: standin.clientSecret, token_uri: `${standin.url}/token` },
    };
    await writeFile(join(folder, "client_secret.json"), JSON.stringify(secret));
    const planted = new Map([
      ["the master key", plain.key.expose()],
      ["the client secret", standin.clientSecret],
    ]);
    const files = { ONBEHALF_KEY: "", ONBEHALF_CLIENT_ID: "", ONBEHALF_CLIENT_SECRET: "" };
    for (const [settings, flags] of [
      [
        {
          ...files,
          ONBEHALF_KEY_FILE: join(folder, "master.key"),
          ONBEHALF_CLIENT_SECRET_FILE: join(folder, "client_secret.json"),
        },
        [],
      ],
      [
        files,
        ["--key", plain.key.expose(), "--client-id", standin.clientId, `--client-secret=${standin.clientSecret}`],
      ],
    ] as const) {
      const service = await startServiceProcess(t, plain, settings, undefined, flags);
      const of = (name: string): Buffer => readFileSync(`/proc/${service.pid}/${name}`);
      assert.deepEqual(foundIn([of("environ"), of("cmdline")], planted), []);
      assert.deepEqual(foundIn(writableMemory(service.pid), planted), []);
      assert.equal((await fetch(`${service.url}/readyz`)).status, 200);
    }
  });

  test("a heap snapshot, a diagnostic report and a core of the process that serves hold no secret", async (t) => {
    const fixture = await testVault(t, {});
    const { service, planted, code } = await scene(t, { NODE_OPTIONS: await dumper(fixture) });
    signal(service.pid, "SIGUSR2");
    await until(() => existsSync(`${fixture.path}.heap`));
    for (const kind of ["heap", "report"])
      assert.deepEqual(foundIn([readFileSync(`${fixture.path}.${kind}`)], planted), [], kind);
    // Nothing refers to a code any more. What once stood in memory may stay there until something else is written, as
    // SECURITY.md says; a snapshot has only what is referred to.
    assert.deepEqual(foundIn([readFileSync(`${fixture.path}.heap`)], new Map([["the code", code]])), []);
    assert.doesNotMatch(readFileSync(`${fixture.path}.report`, "utf8"), /"environmentVariables"/);
    const made = spawnSync("gcore", ["-o", `${fixture.path}.core`, String(service.pid)], { timeout: 60_000 });
    if (made.status !== 0) {
      t.diagnostic("no core could be made; its writable memory was looked into instead");
      assert.deepEqual(foundIn(writableMemory(service.pid), planted), []);
      return;
    }
    const core = `${fixture.path}.core.${service.pid}`;
    assert.deepEqual(foundIn(partsOf(core, 0, statSync(core).size), planted), []);
  });

  test("SIGUSR1 opens no inspector, neither in the process that serves nor in its keeper", async (t) => {
    const { service } = await scene(t);
    const [keeper = 0] = service.keepers();
    for (const pid of [service.pid, keeper]) {
      assert.ok(signal(pid, "SIGUSR1"));
    }
    assert.equal((await fetch(`${service.url}/readyz`)).status, 200);
    assert.doesNotMatch(service.log(), /Debugger listening/);
    await assert.rejects(fetch("http://127.0.0.1:9229/json/version"));
  });
});
