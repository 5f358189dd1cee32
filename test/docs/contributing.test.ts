import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { startStandin } from "../../src/standin/index.ts";
import { nightlyLanes } from "../../tools/nightly-lanes.ts";
import { columns } from "../../tools/simulator/trace.ts";
import { checkout } from "../support/checkout-bin.ts";
import { runBlocks } from "./bash-session.ts";
import { blocksFor } from "./block-runners.ts";

const decisions = readdirSync(`${checkout}docs/decisions`).map((name) => `docs/decisions/${name}`);
const pages = ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/debugging.md", "docs/glossary.md", ...decisions];
const read = (page: string): string => readFileSync(`${checkout}${page}`, "utf8");
const tests = globSync("test/**/*.test.ts", { cwd: checkout });
const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> };

/** Moves and renames pass by a document that nobody runs: what it names is looked for here. */
describe("what the contributor's documents name is there", () => {
  for (const page of pages) {
    const text = read(page);

    test(`${page}: files and folders`, () => {
      // `core/refresh.ts` stands for src/core/refresh.ts where a page speaks of src/ alone.
      const named = [...text.matchAll(/(?:^|[\s`(])((?:[\w.-]+\/)+[\w.*-]*)/gm)].map(([, path = ""]) => path);
      const ours = /^(?:src|test|tools|docs|bench|examples|migrations|core|service)\//;
      const missing = named.filter(
        (path) =>
          ours.test(path) &&
          !path.includes("*") &&
          !["", "src/", "docs/", "test/"].some(
            (above) =>
              existsSync(`${checkout}${above}${path}`) || tests.some((file) => file.startsWith(`${above}${path}`)),
          ),
      );
      assert.deepEqual(missing, []);
    });

    test(`${page}: scripts, and tests by a part of their path`, () => {
      for (const [, script = ""] of text.matchAll(/npm run ([\w:-]+)/g)) assert.ok(script in scripts, script);
      for (const [, pattern = ""] of text.matchAll(/npm test -- ([\w/-]+)/g)) {
        if (pattern === "PATTERN" || pattern.startsWith("--")) continue;
        assert.ok(
          tests.some((file) => file.includes(pattern)),
          `npm test -- ${pattern}`,
        );
      }
    });
  }

  test("CONTRIBUTING.md: every lane of the night stands there, and every variable that makes tests long is one", () => {
    const contributing = read("CONTRIBUTING.md");
    for (const { name, what } of nightlyLanes) {
      assert.match(contributing, new RegExp(`^\\| \`${name}\` +\\| ${what} +\\|$`, "m"));
    }
    const long = globSync("{test,bench,tools}/**/*.ts", { cwd: checkout }).flatMap((file) =>
      [...read(file).matchAll(/process\.env\["(\w+)"\] === "full"/g)].map(([, name]) => name),
    );
    assert.ok(long.length > 5);
    for (const name of long)
      assert.ok(
        nightlyLanes.some((lane) => lane.name === name),
        `${name}=full is no lane`,
      );
    for (const { args } of nightlyLanes) {
      const [program = "", pattern = ""] = args;
      assert.ok(existsSync(`${checkout}${program}`), program);
      if (program === "tools/test.ts")
        assert.ok(
          tests.some((file) => file.includes(pattern)),
          pattern,
        );
    }
  });

  test("each decision has its place in the list, and says what was measured and what would change our mind", () => {
    const index = read("docs/decisions/README.md");
    const numbers = decisions.map((page) => page.slice("docs/decisions/".length).slice(0, 4));
    assert.deepEqual(
      numbers.filter((number, n) => numbers.indexOf(number) !== n),
      [],
      "two pages have one number",
    );
    for (const page of decisions.filter((page) => !page.endsWith("README.md"))) {
      const text = read(page);
      assert.ok(index.includes(`(${page.slice("docs/decisions/".length)})`), `${page} is not in the list`);
      assert.ok(index.includes(text.slice(2, text.indexOf("\n"))), `${page} has another title in the list`);
      for (const heading of ["question", "was tried", "was measured", "would change our mind"]) {
        assert.match(text, new RegExp(`^## .*${heading}$`, "m"), page);
      }
    }
  });
});

test("docs/debugging.md: a trace begins with these columns", () => {
  for (const { text } of blocksFor("debugging, trace")) {
    const names = text.split("\n")[0]?.trim().split(/\s+/);
    assert.deepEqual(
      names,
      columns.flatMap(({ name }) => name.split(" ")),
    );
  }
});

test("CONTRIBUTING.md: the message of a commit has a subject that fits a line, and says why below it", () => {
  for (const { text } of blocksFor("commit message")) {
    const [subject = "", empty, ...body] = text.split("\n");
    assert.match(subject, /^[A-Z][^.]{10,76}$/);
    assert.deepEqual([empty, body.length > 0], ["", true]);
  }
});

test("docs/debugging.md: the stand-in answers as it says", async () => {
  await using standin = await startStandin();
  const blocks = blocksFor("debugging, shell");
  const env = { PATH: process.env["PATH"], STANDIN: standin.url };
  const before = standin.now();
  const [log = ""] = await runBlocks(blocks, env);
  assert.deepEqual((JSON.parse(log) as { entries: unknown }).entries, []);
  assert.ok(standin.now() - before >= 3_700_000);
  await assert.rejects(fetch(`${standin.url}/token`, { method: "POST" }), "the answer is lost");
});
