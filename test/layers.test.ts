import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { badlyCovered, sourceFiles } from "../tools/layers.ts";
import { imports, touches } from "./support/layer-trials.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

/** A line of a file, and whether lint must refuse it. */
interface Trial {
  readonly line: string;
  readonly refused: boolean;
}

/** A package by its name, a file of ours by the way that leads there. */
function specifierIn(file: string, target: string): string {
  if (!target.endsWith(".ts")) return target;
  const way = posix.relative(posix.dirname(file), target);
  return way.startsWith(".") ? way : `./${way}`;
}

/** Ways to bring something in; a rule that stops only the first stops nobody. */
function spelled(specifier: string, number: number): string[] {
  return [
    `import "${specifier}";`,
    // Names of their own: a file that declares one twice is not looked at any further.
    `import type { Thing as T${number} } from "${specifier}";`,
    `export * from "${specifier}";`,
  ];
}

/** What is tried in each file, one to a line. */
function trials(): Map<string, Trial[]> {
  const files = new Map<string, Trial[]>();
  const add = (file: string, refused: boolean, lines: readonly string[]): void => {
    const path = `src/${file}`;
    files.set(path, [...(files.get(path) ?? []), ...lines.map((line) => ({ line, refused }))]);
  };
  let names = 0;
  for (const { file, refused, allowed } of imports) {
    const lines = (targets: readonly string[]): string[] =>
      targets.flatMap((target) => spelled(specifierIn(file, target), names++));
    add(file, true, lines(refused));
    add(file, false, lines(allowed));
  }
  const used = (expressions: readonly string[]): string[] => expressions.map((expression) => `void ${expression};`);
  for (const { file, refused, allowed } of touches) {
    add(file, true, used(refused));
    add(file, false, used(allowed));
  }
  // A way that starts in its own folder and leaves it all the same.
  add("core/refresh.ts", true, spelled("./../vault.ts", names++));
  add("standin/start-standin.ts", true, spelled("./../vault.ts", names++));
  add("standin/mcp/tools.ts", true, spelled("./../../vault.ts", names++));
  add("standin/google/drive/drive-requests.ts", true, spelled("./../../../vault.ts", names++));
  return files;
}

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

/** What this repository's own rules say of a folder that holds these files alone. */
async function lint(t: TestContext, files: ReadonlyMap<string, string>): Promise<Diagnostic[]> {
  const folder = await temporaryFolder(t);
  await copyFile(".oxlintrc.json", join(folder, ".oxlintrc.json"));
  for (const [file, text] of files) {
    await mkdir(join(folder, dirname(file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  const output = await new Promise<string>((resolve) => {
    const oxlint = join(process.cwd(), "node_modules", ".bin", "oxlint");
    // It exits non-zero, as it must: there is something to complain of.
    execFile(oxlint, ["--format=json"], { cwd: folder, maxBuffer: 2 ** 26 }, (_error, stdout) => resolve(stdout));
  });
  return (JSON.parse(output) as { diagnostics: Diagnostic[] }).diagnostics;
}

const layerRules: ReadonlySet<string> = new Set([
  "eslint(no-restricted-imports)",
  "eslint(no-restricted-globals)",
  "eslint(no-restricted-properties)",
]);

test("lint refuses what a layer may not import or touch, and nothing that it needs", async (t) => {
  const files = trials();
  const texts = new Map([...files].map(([file, lines]) => [file, lines.map(({ line }) => `${line}\n`).join("")]));
  const refusals = new Set(
    (await lint(t, texts))
      .filter(({ code }) => layerRules.has(code))
      .map(({ filename, labels }) => `${filename}:${labels[0]?.span.line}`),
  );
  const wrong = [...files].flatMap(([file, lines]) =>
    lines.flatMap(({ line, refused }, index) => {
      if (refusals.has(`${file}:${index + 1}`) === refused) return [];
      return [`${file} ${refused ? "may" : "may not"}: ${line}`];
    }),
  );
  assert.deepEqual(wrong, []);
});

test("lint refuses a circle of two files, even where both import types alone", async (t) => {
  const said = await lint(
    t,
    new Map([
      ["src/core/one.ts", 'import type { Two } from "./two.ts";\nexport type One = Two | 1;\n'],
      ["src/core/two.ts", 'import type { One } from "./one.ts";\nexport type Two = One[];\n'],
    ]),
  );
  const circular = said.filter(({ code }) => code === "import(no-cycle)").map(({ filename }) => filename);
  assert.deepEqual(circular.sort(), ["src/core/one.ts", "src/core/two.ts"]);
});

test("every source file has exactly one rule that says what it may import", () => {
  assert.deepEqual(badlyCovered(sourceFiles()), []);
});

for (const file of [
  "src/new-folder/file.ts",
  "src/new-file.ts",
  "src/vault/new-folder/file.ts",
  "src/vault/keeper/new-folder/file.ts",
  "src/store/new-database/index.ts",
]) {
  test(`${file} would stand where no rule says what it may import, and that is noticed`, () => {
    assert.match(badlyCovered([file]).join(), /no rule says what it may import/);
  });
}

test("what opens a refresh token is named inside src/vault/keeper alone", async () => {
  const outside = sourceFiles().filter((file) => !file.startsWith("src/vault/keeper/"));
  const texts = await Promise.all(outside.map(async (file) => [file, await readFile(file, "utf8")] as const));
  assert.deepEqual(
    texts.filter(([, text]) => /\bopenRefreshToken\b/.test(text)).map(([file]) => file),
    [],
  );
});

// Lint looks at declarations only: a module that is imported while the program runs goes round its rules.
test("only pg, the service, its pages and its slow way, what writes its counters and its last fault, an SDK's API, what reads a key's file, and the command line's own modules are imported while the program runs", async () => {
  const known = new Set([
    'src/store/postgres/index.ts "pg"',
    'src/service/http/app.ts "../pages/pages.ts"',
    'src/service/http/server.ts "./slow-listener.ts"',
    'src/service/http/app.ts "./dashboard/dashboard.ts"',
    'src/service/http/dashboard/pages.ts "./page-files.ts"',
    // Of a checkout alone: it makes the dashboard's page, which the package has in its place.
    "src/service/http/dashboard/page-files.ts tool",
    'src/client/key-source.ts "../local/small-file.ts"',
    'src/cli/serve/until-end.ts "../../service/last-fault.ts"',
    'src/service/keeper/process.ts "../last-fault.ts"',
    'src/service/metrics.ts "@prometheus-io/client"',
    'src/service/metrics.ts "./metrics/collect.ts"',
    'src/service/run.ts "./serving.ts"',
    'src/service/telemetry.ts "@opentelemetry/api"',
  ]);
  const texts = await Promise.all(sourceFiles().map(async (file) => [file, await readFile(file, "utf8")] as const));
  const late = texts.flatMap(([file, text]) =>
    [...text.matchAll(/\b(?:import|require|createRequire)\(([^)]*)\)/g)].map(([, what]) => `${file} ${what}`),
  );
  assert.deepEqual(
    late.filter((each) => !/^src\/cli\/\S+ "\.\//.test(each) && !known.has(each)),
    [],
  );
});
