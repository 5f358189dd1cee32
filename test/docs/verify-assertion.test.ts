import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { generateMasterKey, google, keyringFromKeys, openVault } from "../../src/index.ts";
import { startServer } from "../../src/service/index.ts";
import type { RunningServer } from "../../src/service/index.ts";
import type { Standin } from "../../src/standin/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import type { Vault } from "../../src/index.ts";
import { needsProgram } from "../support/installed-programs.ts";
import type { Program } from "../support/installed-programs.ts";
import { installInto, unpackedPackage } from "../support/packed-package.ts";
import { sampleLanguages, withDebiansPackages } from "../support/sample-languages.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testStandin } from "../support/test-standin.ts";
import { blocksFor } from "./block-runners.ts";
import { runAsPasted } from "./page-session.ts";

const run = promisify(execFile);
const blocks = blocksFor("verify-assertion");
const languages: Readonly<Record<string, readonly Program[]>> = {
  TypeScript: [],
  Python: ["python3"],
  Go: ["go"],
  Java: ["java"],
};
const common = "An assertion to try with";

/** The same program, compiled once: to compile it for each bad assertion would take most of the time. */
const compiled: Readonly<Record<string, { readonly build: string; readonly run: string }>> = {
  Go: { build: "go build -o verify verify.go", run: "./verify" },
  Java: { build: "javac -cp gson.jar Verify.java", run: "java -cp gson.jar:. Verify" },
};

/** A part of a JWT. */
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("docs/verify-assertion.md", { timeout: 300_000 }, () => {
  let standin: Standin;
  let vault: Vault;
  let server: RunningServer;
  let bad: Readonly<Record<string, string>>;

  before(async () => {
    standin = await testStandin();
    const { clientId, clientSecret, url: baseUrl } = standin;
    const provider = google({ clientId, clientSecret, baseUrl });
    const keyring = keyringFromKeys(generateMasterKey());
    let lateMs = 0;
    const clock = { now: () => Date.now() - lateMs };
    vault = await openVault({ provider, store: sqlite(":memory:"), keyring, clock });
    server = await startServer(vault, { port: 0 });
    const grant = await vault.exchangeCode({
      code: standin.code({ email: "carl@example.com", scope: "openid email" }),
      source: "android",
    });
    const good = await vault.signInAssertion(grant, server.url);
    const [header = "", claims = "", signature = ""] = good.split(".");
    const { sub, ...others } = JSON.parse(Buffer.from(claims, "base64url").toString()) as Record<string, unknown>;
    const [jwk] = (await vault.jwks()).keys;
    const hmac = `${part({ alg: "HS256", kid: jwk?.kid, typ: "JWT" })}.${claims}`;
    lateMs = 600_000;
    const expired = await vault.signInAssertion(grant, server.url);
    lateMs = 0;
    bad = {
      "of another issuer": await vault.signInAssertion(grant, "https://other.example"),
      "that has expired": expired,
      "with a changed signature": `${header}.${claims}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`,
      "about somebody else": `${header}.${part({ ...others, sub: `${String(sub)}0` })}.${signature}`,
      "without a signature": `${part({ alg: "none", typ: "JWT" })}.${claims}.`,
      "signed with the public key": `${hmac}.${createHmac("sha256", JSON.stringify(jwk)).update(hmac).digest("base64url")}`,
      "that is none": "4/0Acode",
    };
  });
  after(async () => {
    await server.close();
    await vault.close();
    await standin.close();
  });

  test("docs/verify-assertion.md: every block stands in a section that is run", () => {
    assert.deepEqual(new Set(blocks.map(({ section }) => section)), new Set([common, ...Object.keys(languages)]));
  });

  for (const [language, programs] of Object.entries(languages)) {
    const pasted = blocks.filter(({ section }) => section === common || section === language);

    test(
      `docs/verify-assertion.md: ${language}: a good assertion is taken, and no other`,
      needsProgram(...programs),
      async (t) => {
        const folder = await temporaryFolder(t);
        await installInto(folder, await unpackedPackage(t));
        const env = { ...(await sampleLanguages(folder)), ONBEHALF: server.url, STANDIN: standin.url };
        await runAsPasted(t, pasted, { folder, env, adapted: withDebiansPackages });
        const pastedCommand = pasted.findLast((block) => block.language === "sh")?.text ?? "";
        const { build, run: command } = compiled[language] ?? { build: "true", run: pastedCommand };
        await run("bash", ["-c", build], { cwd: folder, env });
        const verify = (assertion: string): Promise<unknown> =>
          run("bash", ["-c", command], { cwd: folder, env: { ...env, ASSERTION: assertion } });
        for (const [what, assertion] of Object.entries(bad)) {
          await assert.rejects(verify(assertion), { code: 1 }, `an assertion ${what}`);
        }
      },
    );
  }
});
