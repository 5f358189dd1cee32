import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { openRemoteVault } from "../../src/client/index.ts";
import type { RemoteVault } from "../../src/client/index.ts";
import type { VaultVerbs } from "../../src/index.ts";
import { checkout } from "../support/checkout-bin.ts";
import { installInto, unpackedPackage } from "../support/packed-package.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testService } from "../support/test-service.ts";
import type { TestService } from "../support/test-service.ts";
import { blocksFor } from "./block-runners.ts";

const run = promisify(execFile);
const [program, printed, either, rotating] = blocksFor("remote-client").map(({ text }) => text);

/** Our modules as they are in this checkout. */
function resolved(text = ""): string {
  return text.replaceAll(/from "(onbehalf(?:\/client)?)"/g, (_, name: string) => {
    const path = name === "onbehalf" ? "src/index.ts" : "src/client/index.ts";
    return `from ${JSON.stringify(pathToFileURL(join(checkout, path)).href)}`;
  });
}

/** A service with a person's grant whose provider is reached where this machine's clock says. */
async function servedVault(t: TestContext): Promise<TestService> {
  const service = await testService(t);
  const { vault, fixture } = service;
  await vault.exchangeCode({ code: fixture.code("ada@example.com"), externalId: "user-42" });
  return service;
}

describe("docs/remote-client.md", { timeout: 120_000 }, () => {
  test("docs/remote-client.md: the first program prints what stands below it", async (t) => {
    const { url, key } = await servedVault(t);
    const file = join(await temporaryFolder(t), "program.ts");
    await writeFile(file, resolved(program));
    const env = { ...process.env, ONBEHALF_URL: url, ONBEHALF_CALLER_KEY: key };
    const { stdout } = await run(process.execPath, [file], { env });
    assert.equal(stdout.trim(), printed?.trim());
  });

  test("docs/remote-client.md: a function over either vault does the same with both", async (t) => {
    const { url, key, vault: near, fixture } = await servedVault(t);
    const file = join(await temporaryFolder(t), "either.ts");
    await writeFile(file, resolved(either));
    const { filesOf } = (await import(pathToFileURL(file).href)) as {
      filesOf(vault: VaultVerbs, userId: string): Promise<Response | string>;
    };
    await using far = await openRemoteVault({ url, key, clock: fixture.clock });
    for (const vault of [near, far]) assert.equal(((await filesOf(vault, "user-42")) as Response).status, 200);
    await far.revoke({ externalId: "user-42" });
    for (const vault of [near, far]) assert.equal(await filesOf(vault, "user-42"), "ask the person again");
  });

  test("docs/remote-client.md: a key that was rotated is read again", async (t) => {
    const { url, vault: near, fixture } = await servedVault(t);
    const folder = await temporaryFolder(t);
    const keyFile = join(folder, "key");
    const { key } = await near.callers.create("job", { allow: ["token"] });
    await writeFile(keyFile, `${key.expose()}\n`);
    process.env["KEY_FILE"] = keyFile;
    t.after(() => delete process.env["KEY_FILE"]);
    const file = join(folder, "rotating.ts");
    await writeFile(file, resolved(rotating).replace("http://127.0.0.1:8787/vault", url));
    const { rotating: vault } = (await import(pathToFileURL(file).href)) as { rotating: RemoteVault };
    t.after(() => vault.close());
    await vault.getAccessToken({ externalId: "user-42" });
    await writeFile(keyFile, `${(await near.callers.rotate("job", { overlapMs: 0 })).key.expose()}\n`);
    fixture.clock.advance(2_000);
    await vault.getAccessToken({ externalId: "user-42" }, { minTtlSeconds: 3_599 });
  });

  for (const compiler of [
    "tools/older-typescript/node_modules/typescript/bin/tsc",
    "node_modules/typescript/bin/tsc",
  ]) {
    test(`docs/remote-client.md: its programs compile against the packed package: ${compiler}`, async (t) => {
      const cwd = await temporaryFolder(t);
      await installInto(cwd, await unpackedPackage(t));
      await mkdir(join(cwd, "node_modules", "@types"), { recursive: true });
      await symlink(`${checkout}node_modules/@types/node`, join(cwd, "node_modules", "@types", "node")).catch(() => 0);
      await writeFile(join(cwd, "package.json"), '{"type":"module"}');
      await writeFile(join(cwd, "program.ts"), `export {};\n${program}`);
      await writeFile(join(cwd, "either.ts"), either ?? "");
      await writeFile(join(cwd, "rotating.ts"), rotating ?? "");
      await writeFile(join(cwd, "types.ts"), types);
      await run(process.execPath, [`${checkout}${compiler}`, "--init"], { cwd });
      const compiled = run(process.execPath, [`${checkout}${compiler}`, "--noEmit", "--project", "."], { cwd });
      await compiled.catch((error: { stdout: string }) => assert.fail(error.stdout));
    });
  }
});

/** What a program may rely on. */
const types = `
import type { AccessToken, ErrorCode, Grant, GrantPage, Vault, VaultVerbs } from "onbehalf";
import { isOnbehalfError } from "onbehalf";
import { openRemoteVault } from "onbehalf/client";
import type { RemoteVault, RemoteVaultOptions } from "onbehalf/client";
import type { TokenVault as OfGoogle } from "onbehalf/googleapis";
import { mcpAuthProvider } from "onbehalf/mcp";

export const options: RemoteVaultOptions = { url: "https://vault.example", key: () => "obk_", waitSeconds: 10 };
export async function all(near: Vault): Promise<void> {
  const far: RemoteVault = await openRemoteVault(options);
  for (const vault of [near, far] satisfies VaultVerbs[]) {
    const token: AccessToken = await vault.getAccessToken("g_1", { minTtlSeconds: 5, signal: AbortSignal.timeout(5) });
    const grant: Grant = await vault.exchangeCode({ code: "4/x", externalId: "user-42" });
    const page: GrantPage = await vault.grants({ limit: 5 });
    await vault.revoke(grant, {});
    const google: OfGoogle = vault;
    mcpAuthProvider(vault, { externalId: "user-42" });
    void [token, page, google];
  }
  // @ts-expect-error keys are made at the service
  far.callers;
  // @ts-expect-error a phone's ticket comes with the phone's own request
  await far.exchangeCode({ code: "4/x", ticket: "obt_" });
  // @ts-expect-error no such option
  await openRemoteVault({ url: "https://vault.example", keys: "obk_" });
  try {
    await far.ping();
  } catch (error) {
    if (isOnbehalfError(error, "service_unavailable")) setTimeout(() => {}, error.details.retryAfterMs);
    const code: ErrorCode | undefined = isOnbehalfError(error) ? error.code : undefined;
    void code;
  }
}
`;
