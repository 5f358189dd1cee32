/** What a program compiles that has one of the MCP SDKs and not the other. It looks at dist/ as it was built before. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { checkout } from "../support/checkout-bin.ts";
import { installInto, unpackedPackage } from "../support/packed-package.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const run = promisify(execFile);

const options =
  '{ provider: "tools", externalId: "u", redirectUrl: "https://app.example/cb", onRedirect: (url) => void url.href }';

/** A program for each SDK, and the packages that it has beside ours. */
const programs: Readonly<Record<string, { readonly packages: readonly string[]; readonly text: string }>> = {
  "SDK 1": {
    packages: ["@modelcontextprotocol/sdk", "zod"],
    text: `
      import type { OAuthClientProvider } from "@modelcontextprotocol/sdk/client/auth.js";
      import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
      import type { Vault } from "onbehalf";
      import { mcpOAuthProvider } from "onbehalf/mcp";
      export function transports(vault: Vault, url: URL) {
        const authProvider: OAuthClientProvider = mcpOAuthProvider(vault, ${options});
        return [new StreamableHTTPClientTransport(url, { authProvider })];
      }`,
  },
  "SDK 2": {
    packages: [
      "@modelcontextprotocol/client",
      "@modelcontextprotocol/core",
      "zod",
      "eventsource",
      "eventsource-parser",
    ],
    text: `
      import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
      import type { AuthProvider, OAuthClientProvider } from "@modelcontextprotocol/client";
      import type { Vault } from "onbehalf";
      import type { RemoteVault } from "onbehalf/client";
      import { mcpAuthProvider, mcpOAuthProvider } from "onbehalf/mcp";
      export function transports(vault: Vault, remote: RemoteVault, url: URL) {
        const token: AuthProvider = mcpAuthProvider(remote, { externalId: "u" });
        const whole: OAuthClientProvider = mcpOAuthProvider(vault, ${options});
        return [token, whole].map((authProvider) => new StreamableHTTPClientTransport(url, { authProvider }));
      }`,
  },
  "no SDK": {
    packages: [],
    text: `
      import type { Vault } from "onbehalf";
      import { mcpAuthProvider, mcpOAuthProvider, requireGrant } from "onbehalf/mcp";
      export const tokens = (vault: Vault) => mcpAuthProvider(vault, "g_1").token();
      export const more = [mcpOAuthProvider, requireGrant];`,
  },
};

test(
  "onbehalf/mcp compiles with either SDK alone and with none, with all declarations checked",
  { timeout: 300_000 },
  async (t) => {
    const unpacked = await unpackedPackage(t);
    for (const [which, { packages, text }] of Object.entries(programs)) {
      const project = await temporaryFolder(t);
      await installInto(project, unpacked);
      for (const name of ["@types/node", "undici-types", ...packages]) {
        const link = join(project, "node_modules", name);
        await mkdir(dirname(link), { recursive: true });
        await symlink(join(checkout, "node_modules", name), link).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "EEXIST") throw error;
        });
      }
      await writeFile(join(project, "package.json"), '{"type":"module"}');
      await writeFile(join(project, "app.ts"), text);
      for (const more of [[], ["--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"]]) {
        const flags = ["--noEmit", "--strict", "--skipLibCheck", "false", "--preserveSymlinks", "--module", "nodenext"];
        const target = ["--target", "es2024", "--lib", "es2024,esnext.disposable,dom", "--types", "node"];
        const compiled = run("tsc", [...flags, ...target, ...more, "app.ts"], {
          cwd: project,
          env: { ...process.env, PATH: `${join(checkout, "node_modules/.bin")}:${process.env["PATH"] ?? ""}` },
        });
        await compiled.catch((error: { stdout: string }) => assert.fail(`${which}: ${error.stdout}`));
      }
    }
  },
);
