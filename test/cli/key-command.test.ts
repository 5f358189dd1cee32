import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { generateMasterKey, isOnbehalfError, keyringFromCommand } from "../../src/index.ts";
import { masterKeysOf } from "../../src/crypto/master-key.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const key = generateMasterKey().expose();
const other = generateMasterKey().expose();

/** The key that a command gives. */
async function keysOf(command: string | readonly string[]): Promise<string[]> {
  return (await keyringFromCommand(command)()).map((each) => each.expose());
}

describe("a key command", () => {
  test("a key command gives what the program prints, newest first, whatever else it writes and starts", async (t) => {
    const path = join(await temporaryFolder(t), "my keys");
    writeFileSync(path, `${key}\r\n${other}\n`);
    const rows: readonly (readonly [string | readonly string[], readonly string[]])[] = [
      [
        ["cat", path],
        [key, other],
      ],
      [`cat '${path}'`, [key, other]],
      [`sh -c 'cat "${path}" | head -1; echo planted >&2'`, [key]],
      // What it has started goes on, and holds the pipe.
      [`sh -c 'cat "${path}"; sleep 60 &'`, [key, other]],
      [["printenv", "KEY_FOR_THE_COMMAND"], [other]],
    ];
    process.env["KEY_FOR_THE_COMMAND"] = other;
    t.after(() => delete process.env["KEY_FOR_THE_COMMAND"]);
    for (const [command, keys] of rows) assert.deepEqual(await keysOf(command), keys, inspect(command));
  });

  test("a key command that fails is named with what failed, and nothing of what it printed", async (t) => {
    const folder = await temporaryFolder(t);
    const [plain, inside] = [join(folder, "plain"), join(folder, "inside")];
    writeFileSync(plain, key);
    chmodSync(plain, 0o600);
    mkdirSync(inside);
    const planted = "printf planted-out; printf planted-err >&2";
    const rows: readonly (readonly [readonly string[], RegExp])[] = [
      [["/no/such/program"], /^the key command's program \/no\/such\/program was not found$/],
      [[plain], /may not be run by this user$/],
      [[inside], /may not be run by this user$/],
      [["sh", "-c", `${planted}; exit 7`], /^the key command's program sh ended with code 7$/],
      [["sh", "-c", `${planted}; kill -TERM $$`], /was ended by SIGTERM$/],
      [["true"], /^there is no master key in what the key command's program true printed$/],
      [["sh", "-c", planted], /the master key is malformed or a damaged copy, in what the key command's program sh/],
      [["echo", `{"key":"${key}"}`], /the master key stands in quotes, in what the key command's program echo printed/],
      [["echo", key, "and planted"], /is malformed or a damaged copy/],
      [["sh", "-c", "yes planted"], /printed more than 64 KiB$/],
      [["cat", "/dev/zero"], /printed more than 64 KiB$/],
    ];
    for (const [command, message] of rows) {
      await assert.rejects(
        async () => masterKeysOf(keyringFromCommand(command)),
        (error) => {
          assert.ok(isOnbehalfError(error, "key_invalid"), inspect(error));
          assert.match(error.message, message);
          assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /planted|obm_[A-Za-z0-9]/);
          return true;
        },
      );
    }
  });

  test("a key command that does not end is ended, with all that it has started", async (t) => {
    const pids = join(await temporaryFolder(t), "pids");
    const hang = `sleep 1000 & echo $! > ${pids}; echo ${key}; wait`;
    await assert.rejects(
      async () => keyringFromCommand(["sh", "-c", hang], { timeoutMs: 500 })(),
      (error) => isOnbehalfError(error, "key_invalid") && /sh did not end within 0.5 s$/.test(error.message),
    );
  });

  test("arguments of keyringFromCommand that are wrong are named", () => {
    const calls: readonly (readonly [unknown[], string])[] = [
      ...[undefined, null, 7, [], [""], [7], ["a", null], ["a\0b"], {}].map(
        (command) => [[command], "command"] as const,
      ),
      [["cat", null], "options"],
      [["cat", { timeoutMs: 0 }], "timeoutMs"],
      [["cat", { timeoutMs: Infinity }], "timeoutMs"],
      [["cat", { timeout: 5 }], "timeout"],
    ].map(([parameters, name]) => [parameters as unknown[], name as string] as const);
    for (const [parameters, name] of calls) {
      assert.throws(
        () => (keyringFromCommand as (...all: unknown[]) => unknown)(...parameters),
        (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === name,
        inspect(parameters),
      );
    }
    for (const line of ["", "  ", "''", "a | b", "'a"]) {
      assert.throws(
        () => keyringFromCommand(line),
        (error) => isOnbehalfError(error, "configuration_invalid") && error.message.startsWith("the key command "),
      );
    }
  });
});
