import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { temporaryFolder } from "./support/temporary-folder.ts";

/**
 * The walls of the house, by what may not come through them: for a file of each layer, imports that lint must refuse,
 * and imports that it must let pass. Without the second list a rule that refuses everything would pass, too.
 */
const layers: readonly { readonly file: string; readonly refused: string[]; readonly allowed: string[] }[] = [
  {
    file: "src/core/refresh.ts",
    refused: ["node:fs", "node:crypto", "jose", "./problem.ts", "./vault.ts", "./oauth/wire.ts", "./store/store.ts"],
    allowed: ["./grant.ts", "./errors.ts", "./secret.ts", "./clock.ts", "./lease.ts", "./single-flight.ts"],
  },
  {
    file: "src/oauth/bounded-fetch.ts",
    refused: [
      "../store/store.ts",
      "../crypto/sealing.ts",
      "../vault.ts",
      "../vault/context.ts",
      "../service/config.ts",
      "../providers/google.ts",
      "../problem.ts",
      "node:fs",
      "node:http",
      "hono",
    ],
    allowed: [
      "./jwks.ts",
      "../errors.ts",
      "../refresh.ts",
      "../providers/provider.ts",
      "jose",
      "oauth4webapi",
      "node:crypto",
    ],
  },
  {
    file: "src/crypto/sealing.ts",
    refused: ["../store/store.ts", "../oauth/wire.ts", "../vault.ts", "../service/config.ts", "node:http", "pg"],
    allowed: ["./keyring.ts", "../errors.ts", "../secret.ts", "node:crypto", "node:fs"],
  },
  {
    file: "src/providers/google.ts",
    refused: ["../oauth/wire.ts", "../store/store.ts", "../crypto/sealing.ts", "../vault.ts", "node:fs", "jose"],
    allowed: ["./provider.ts", "../secret.ts", "../refresh.ts", "../errors.ts"],
  },
  {
    file: "src/store/sqlite/index.ts",
    refused: [
      "../secret.ts",
      "../crypto/keyring.ts",
      "../oauth/wire.ts",
      "../vault/context.ts",
      "../vault.ts",
      "../index.ts",
    ],
    allowed: ["./store.ts", "../errors.ts", "../lease.ts", "../grant.ts", "node:sqlite"],
  },
  {
    file: "src/store/suite/grants.ts",
    refused: ["../../secret.ts", "../../crypto/keyring.ts", "../../vault.ts", "../../service/wire.ts"],
    allowed: ["../store.ts", "../../errors.ts", "node:test"],
  },
  {
    file: "src/vault/keeper/codes/intake.ts",
    refused: ["../service/wire.ts", "../client/client.ts", "../cli/main.ts", "../standin/index.ts", "../index.ts"],
    allowed: ["../oauth/protocol.ts", "../crypto/keyring.ts", "../store/store.ts", "../errors.ts", "./context.ts"],
  },
  {
    file: "src/vault.ts",
    refused: ["./service/wire.ts", "./standin/index.ts", "./browser/index.ts", "./index.ts"],
    allowed: ["./vault/intake.ts", "./oauth/protocol.ts", "./crypto/keyring.ts", "./store/store.ts"],
  },
  ...["src/service/http/app.ts", "src/client/client.ts", "src/cli/serve/command.ts"].map((file) => ({
    file,
    refused: [
      "../vault.ts",
      "../errors.ts",
      "../oauth/wire.ts",
      "../crypto/keyring.ts",
      "../vault/intake.ts",
      "../store/store.ts",
    ],
    allowed: ["../index.ts", "../store/sqlite.ts", "../store/postgres.ts", "node:http", "zod"],
  })),
  ...["src/service/keeper/channel.ts", "src/demo/start.ts"].map((file) => ({
    file,
    refused: [
      "../../vault.ts",
      "../../errors.ts",
      "../../oauth/wire.ts",
      "../../vault/intake.ts",
      "../../store/sql.ts",
    ],
    allowed: ["../../index.ts", "../../store/sqlite.ts", "../config.ts"],
  })),
  {
    file: "src/standin/http/server.ts",
    refused: ["../errors.ts", "../oauth/wire.ts", "../index.ts", "../browser/index.ts"],
    allowed: ["./clock.ts", "node:http"],
  },
  {
    file: "src/standin/drive/files.ts",
    refused: ["../../errors.ts", "../../clock.ts", "../../oauth/wire.ts"],
    allowed: ["../clock.ts", "./search.ts"],
  },
  {
    file: "src/browser/index.ts",
    refused: ["../errors.ts", "../standin/index.ts", "jose", "node:crypto"],
    allowed: ["./sign-in.ts"],
  },
];

/** The same for what a file may touch without importing it. */
const touches: readonly { readonly file: string; readonly refused: string[]; readonly allowed: string[] }[] = [
  {
    file: "src/core/take-over.ts",
    refused: ["process.pid", "fetch", "Date.now()", "Math.random()", "console.log(1)"],
    allowed: ["Math.floor(1)"],
  },
  {
    file: "src/vault/tokens/token-source.ts",
    refused: ["Date.now()", "Math.random()", "process.env.HOME", "console.log(1)"],
    allowed: ["process.pid"],
  },
  {
    file: "src/oauth/jwks.ts",
    refused: ["Date.now()", "Math.random()", "process.env.HOME", "console.log(1)"],
    allowed: ["1"],
  },
  {
    file: "src/store/sql/sql.ts",
    refused: ["Date.now()", "Math.random()", "process.env.HOME", "console.log(1)"],
    allowed: ["1"],
  },
  {
    file: "src/service/http/app.ts",
    refused: ["Date.now()", "process.env.HOME", "console.log(1)"],
    allowed: ["process.pid"],
  },
  { file: "src/service/keeper/channel.ts", refused: ["process.env.HOME", "console.log(1)"], allowed: ["process.pid"] },
  { file: "src/service/settings/config.ts", refused: ["Date.now()"], allowed: ["process.env.HOME"] },
  { file: "src/client/client.ts", refused: ["Date.now()", "process.env.HOME"], allowed: ["1"] },
  { file: "src/cli/serve/command.ts", refused: [], allowed: ["process.env.HOME", "console.log(1)"] },
  { file: "src/core/clock.ts", refused: [], allowed: ["Date.now()"] },
];

const walls: ReadonlySet<string> = new Set([
  "eslint(no-restricted-imports)",
  "eslint(no-restricted-globals)",
  "eslint(no-restricted-properties)",
]);

/** Ways to bring something in; a wall that stops only the first is none. */
function spelled(specifiers: readonly string[]): string[] {
  return specifiers.flatMap((specifier) => [
    `import "${specifier}";`,
    // Names of their own: a file that declares one twice is not looked at any further.
    `import type { Thing as T${names++} } from "${specifier}";`,
    `export * from "${specifier}";`,
  ]);
}

let names = 0;

/** A line of a file, and whether lint must refuse it. */
interface Trial {
  readonly line: string;
  readonly refused: boolean;
}

/** What is tried in each file, one to a line. */
function trials(): Map<string, Trial[]> {
  const files = new Map<string, Trial[]>();
  const add = (file: string, refused: boolean, lines: readonly string[]): void => {
    files.set(file, [...(files.get(file) ?? []), ...lines.map((line) => ({ line, refused }))]);
  };
  const used = (expressions: readonly string[]): string[] => expressions.map((expression) => `void ${expression};`);
  for (const { file, refused, allowed } of layers) {
    add(file, true, spelled(refused));
    add(file, false, spelled(allowed));
  }
  for (const { file, refused, allowed } of touches) {
    add(file, true, used(refused));
    add(file, false, used(allowed));
  }
  return files;
}

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

/** `file:line` of everything that this repository's own rules stop at a wall, in a copy that holds the trials alone. */
async function stoppedIn(t: TestContext, files: ReadonlyMap<string, readonly Trial[]>): Promise<Set<string>> {
  const folder = await temporaryFolder(t);
  await copyFile(".oxlintrc.json", join(folder, ".oxlintrc.json"));
  for (const [file, lines] of files) {
    await mkdir(join(folder, dirname(file)), { recursive: true });
    await writeFile(join(folder, file), lines.map(({ line }) => `${line}\n`).join(""));
  }
  const said = await new Promise<string>((resolve) => {
    const oxlint = join(process.cwd(), "node_modules", ".bin", "oxlint");
    // It exits non-zero, as it must: there is something to complain of.
    execFile(oxlint, ["--format=json"], { cwd: folder, maxBuffer: 2 ** 26 }, (_error, stdout) => resolve(stdout));
  });
  const { diagnostics } = JSON.parse(said) as { diagnostics: Diagnostic[] };
  return new Set(
    diagnostics
      .filter(({ code }) => walls.has(code))
      .map(({ filename, labels }) => `${filename}:${labels[0]?.span.line}`),
  );
}

describe("the layers", () => {
  const files = trials();

  it("are walls for lint, with doors only where they belong", async (t) => {
    const stopped = await stoppedIn(t, files);
    const wrong: string[] = [];
    for (const [file, lines] of files) {
      for (const [index, { line, refused }] of lines.entries()) {
        if (stopped.has(`${file}:${index + 1}`) === refused) continue;
        wrong.push(`${file} ${refused ? "may" : "may not"}: ${line}`);
      }
    }
    assert.deepEqual(wrong, []);
  });
});
