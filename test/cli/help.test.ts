import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CommanderError } from "commander";
import type { Command } from "commander";
import { examples } from "../../src/cli/examples.ts";
import { usageMessage } from "../../src/cli/help.ts";
import { program } from "../../src/cli/program.ts";

/** Every command that does something, with its name as it is typed. */
function leaves(command: Command, above: readonly string[] = []): { name: string; command: Command }[] {
  const path = [...above, command.name()];
  if (command.commands.length === 0) return [{ name: path.slice(1).join(" "), command }];
  return command.commands.flatMap((each) => leaves(each, path));
}

/** What a command prints as its help, and what it says of wrong usage. */
async function said(...words: readonly string[]): Promise<{ help: string; errors: string; code: string }> {
  const root = program();
  const heard = { help: "", errors: "", code: "" };
  const listen = (command: Command): void => {
    command.configureOutput({
      writeOut: (text) => (heard.help += text),
      writeErr: (text) => (heard.errors += text),
    });
    command.commands.forEach(listen);
  };
  listen(root);
  await root.parseAsync(["node", "onbehalf", ...words]).catch((error: unknown) => {
    assert.ok(error instanceof CommanderError, String(error));
    heard.code = error.code;
  });
  return heard;
}

describe("the help of a command", () => {
  test("the help of a command has examples, whose flags there are", () => {
    const all = leaves(program());
    assert.deepEqual(Object.keys(examples).sort(), all.map(({ name }) => name).sort());
    for (const { name, command } of all) {
      assert.ok((examples[name] ?? []).length > 0, name);
      for (const example of examples[name] ?? []) {
        for (const [, flag = ""] of example.matchAll(/ (--[a-z-]+)/g)) {
          assert.ok(
            command.options.some(({ long }) => long === flag),
            `${example}: there is no ${flag}`,
          );
        }
      }
    }
  });

  for (const { name } of leaves(program())) {
    test(`the help of ${name} ends with its examples, and shows no flag without a group`, async () => {
      const { help } = await said(...name.split(" "), "--help");
      assert.match(help, /\nExamples:\n {2}\$ onbehalf .*\n*$/s);
      for (const line of examples[name] ?? []) assert.ok(help.includes(line), line);
    });
  }

  test("the help of serve shows its flags in groups", async () => {
    const { help } = await said("serve", "--help");
    const headings = [...help.matchAll(/^(\S.*):$/gm)].map(([, heading = ""]) => heading);
    assert.deepEqual(headings, [
      "Options",
      "Store",
      "Master key",
      "Client at the provider",
      "Provider",
      "Who may reach the service",
      "Events",
      "Running",
      "Examples",
    ]);
    const store = help.slice(help.indexOf("Store:"), help.indexOf("Master key:"));
    assert.match(store, /--store <url>/);
    assert.doesNotMatch(store, /--port/);
  });
});

describe("wrong flags", () => {
  test("wrong flags are named, with the nearest one that there is", async () => {
    for (const [words, wrong, near] of [
      [["serve", "--jsn"], "--jsn", "--json"],
      [["serve", "--client_secret_file", "x"], "--client_secret_file", "--client-secret-file"],
      [["serve", "--clientSecretFile=x"], "--clientSecretFile=…", "--client-secret-file"],
      [["grants", "list", "--external-ids", "x"], "--external-ids", "--external-id"],
      [["callers", "create", "x", "--alow", "token"], "--alow", "--allow"],
      [["doctor", "--of-line"], "--of-line", "--offline"],
    ] as const) {
      const { errors } = await said(...words);
      assert.match(
        errors,
        new RegExp(`^onbehalf: unknown option '${wrong}'\nonbehalf: hint: did you mean ${near}\\?\n`),
      );
      assert.match(errors, /\nonbehalf: hint: see: onbehalf .* --help\n$/);
    }
  });

  test("wrong flags that are near to none are named alone, and a command that is near to one gets it proposed", async () => {
    const { errors } = await said("serve", "--colour");
    assert.equal(errors, "onbehalf: unknown option '--colour'\nonbehalf: hint: see: onbehalf serve --help\n");
    assert.match(
      (await said("grants", "lst")).errors,
      /^onbehalf: unknown command 'lst'\nonbehalf: hint: did you mean list\?$/m,
    );
  });

  test("wrong flags: a message of commander that is no such thing stays as it is", () => {
    assert.equal(
      usageMessage("error: missing required argument 'ref'\n", ["json"]),
      "onbehalf: missing required argument 'ref'\n",
    );
    assert.equal(usageMessage("error: unknown option '-z'\n", ["json"]), "onbehalf: unknown option '-z'\n");
  });
});
