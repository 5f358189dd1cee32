import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Command } from "commander";
import { failureOf } from "../../src/cli/terminal/failure.ts";
import { program } from "../../src/cli/program.ts";
import { facts, table } from "../../src/cli/terminal/print.ts";
import { UsageError } from "../../src/cli/terminal/usage-error.ts";
import { grantStates } from "../../src/core/grant-state.ts";
import { OnbehalfError } from "../../src/index.ts";
import { permissions } from "../../src/vault/http/callers.ts";
import { parseTranscript } from "./transcript.ts";

function command(...names: readonly string[]): Command {
  return names.reduce((above, name) => {
    const found = above.commands.find((each) => each.name() === name);
    assert.ok(found, names.join(" "));
    return found;
  }, program());
}

describe("the commands", () => {
  // Spelled out there, so that --help loads nothing of the library.
  test("the commands states and permissions are those that there are", () => {
    const state = command("grants", "list").options.find(({ long }) => long === "--state");
    assert.deepEqual(state?.argChoices, grantStates);
    const allow = command("callers", "create").options.find(({ long }) => long === "--allow");
    for (const permission of permissions) assert.ok(allow?.description.includes(permission), permission);
  });

  test("the commands: every one that does something has --json", () => {
    const leaves = (each: Command): Command[] => (each.commands.length === 0 ? [each] : each.commands.flatMap(leaves));
    for (const leaf of leaves(program())) {
      assert.ok(
        leaf.options.some(({ long }) => long === "--json"),
        leaf.name(),
      );
    }
  });
});

describe("how a command fails", () => {
  test("how a command fails: what is wrong, its code, then what to do", () => {
    const reauthorize = new OnbehalfError("reauthorization_required", "the person must consent again", {
      hint: "ask",
      details: { grantId: "g_1", since: new Date(0), reason: "revoked" },
    });
    assert.deepEqual(failureOf(reauthorize), {
      lines: ["the person must consent again (reauthorization_required)", "hint: ask"],
      exitCode: 3,
    });
    const misconfigured = new OnbehalfError("configuration_invalid", "there are 2 problems", {
      hint: "correct them",
      details: { problems: ["this", "that"] },
    });
    assert.deepEqual(failureOf(misconfigured), {
      lines: ["this (configuration_invalid)", "that (configuration_invalid)", "hint: correct them"],
      exitCode: 1,
    });
    assert.deepEqual(failureOf(new UsageError("not like this", "like that")), {
      lines: ["not like this", "hint: like that"],
      exitCode: 2,
    });
  });

  test("how a command fails: a problem of a setting names the flag that was typed, and only that one", () => {
    const problems = ["ONBEHALF_KEY_FILE: it is open", "PORT must be a number", "ONBEHALF_KEY (or …) is not set"];
    const error = new OnbehalfError("configuration_invalid", "there are problems", {
      hint: "correct them",
      details: { problems },
    });
    const failed = (...argv: readonly string[]): readonly string[] => failureOf(error, argv).lines.slice(0, 3);
    assert.deepEqual(failed("serve", "--key-file", "x", "--port=y"), [
      "ONBEHALF_KEY_FILE: it is open; the value came from --key-file (configuration_invalid)",
      "PORT must be a number; the value came from --port (configuration_invalid)",
      "ONBEHALF_KEY (or …) is not set (configuration_invalid)",
    ]);
    for (const argv of [[], ["serve"], ["serve", "--metrics-port", "1"], ["serve", "port", "--ports=1"]]) {
      assert.deepEqual(
        failed(...argv),
        problems.map((problem) => `${problem} (configuration_invalid)`),
      );
    }
  });

  test("how a command fails: a bug is shown by its name and its place, and without its message", () => {
    const { lines, exitCode } = failureOf(new TypeError("x is not a function"));
    assert.match(lines[0] ?? "", /\(internal_error\): TypeError\n {4}at /);
    assert.equal(exitCode, 1);
    for (const error of [new TypeError("a secret"), "a secret"]) {
      assert.doesNotMatch(failureOf(error).lines.join("\n"), /a secret/);
    }
  });
});

describe("print", () => {
  test("printed columns are as wide as their widest cell, and an empty table has no head", () => {
    assert.deepEqual(
      table(
        ["A", "B"],
        [
          ["long cell", "x"],
          ["", "y"],
        ],
      ),
      ["A          B", "long cell  x", "           y"],
    );
    assert.deepEqual(table(["A"], []), []);
  });

  test("printed facts without a value are left out", () => {
    assert.deepEqual(
      facts([
        ["a", "1"],
        ["longer", "2"],
        ["b", undefined],
      ]),
      ["a       1", "longer  2"],
    );
  });
});

describe("transcripts", () => {
  test("reading a transcript: a line that would test nothing is refused", () => {
    for (const text of [
      "onbehalf serve",
      "! exit 0",
      "$ x\n! stdout",
      "$ x\n! exit soon",
      "& onbehalf serve",
      "> name",
    ]) {
      assert.throws(() => parseTranscript(text), /is no line of a transcript/, text);
    }
  });

  test("reading a transcript gives its title, its commands and what they print", () => {
    const { title, steps } = parseTranscript(
      "# a\n# b\n$ x\n! no stderr\n! stdout ^y$\n> NAME .member\n# c\n% s TERM\n",
    );
    assert.equal(title, "a b");
    assert.deepEqual(steps, [
      {
        line: 3,
        act: { kind: "run", command: "x" },
        keep: [{ name: "NAME", member: "member" }],
        expect: [
          { line: 4, of: "stderr", matches: false, pattern: undefined },
          { line: 5, of: "stdout", matches: true, pattern: /^y$/m },
        ],
      },
      { line: 8, act: { kind: "end", name: "s", signal: "SIGTERM" }, keep: [], expect: [] },
    ]);
  });
});
