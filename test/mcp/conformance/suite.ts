/** Runs the protocol's own conformance suite for clients: what each of its scenarios says of ours, and of the SDK's own way. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Where a client's tokens are: in memory, as in the SDK's own examples, or in a vault. */
export type Kept = "memory" | "vault";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const program = fileURLToPath(
  new URL("../../../node_modules/@modelcontextprotocol/conformance/dist/index.js", import.meta.url),
);

/** Far more than any needs, on a machine that is busy with all of them at once. */
const scenarioTimeoutMs = 120_000;

/** Scenarios that are not in the suite `auth`: of other revisions of the protocol, and of its extensions. */
export const otherScenarios = [
  "auth/2025-03-26-oauth-metadata-backcompat",
  "auth/2025-03-26-oauth-endpoint-fallback",
  "auth/resource-mismatch",
  "auth/offline-access-scope",
  "auth/offline-access-not-supported",
  "auth/client-credentials-jwt",
  "auth/client-credentials-basic",
  "auth/cross-app-access-complete-flow",
] as const;

/** Runs `--suite auth`. @returns whether each of its scenarios passes */
export async function suiteResults(sdk: string, kept: Kept): Promise<ReadonlyMap<string, boolean>> {
  const output = await conformance(sdk, kept, ["--suite", "auth"]);
  const [, summary = ""] = output.split("=== SUITE SUMMARY ===");
  const lines = summary.matchAll(/^(\S+) (auth\/\S+): (\d+) passed, (\d+) failed/gm);
  return new Map([...lines].map(([, , scenario = "", passed, failed]) => [scenario, passed !== "0" && failed === "0"]));
}

/** Runs one scenario. @returns whether it passes */
export async function scenarioPasses(scenario: string, sdk: string, kept: Kept): Promise<boolean> {
  return (await conformance(sdk, kept, ["--scenario", scenario])).includes("OVERALL: PASSED");
}

async function conformance(sdk: string, kept: Kept, what: readonly string[]): Promise<string> {
  const command = `${process.execPath} test/mcp/conformance/client.ts ${sdk} ${kept}`;
  const args = [program, "client", "--command", command, ...what, "--timeout", String(scenarioTimeoutMs)];
  return new Promise((resolve) => {
    // A scenario that fails makes the program fail; what it prints says which.
    execFile(process.execPath, args, { cwd: root, maxBuffer: 64 * 1024 * 1024 }, (_, stdout, stderr) => {
      resolve(stdout + stderr);
    });
  });
}
