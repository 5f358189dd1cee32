/**
 * Secrets in every wrong place of a command: as a name, a flag's value, an unknown flag, a variable, in a file of the wrong
 * kind. Whatever it says, on either output, must not have one. `SECRETS=full` plants thousands; without it, some hundred.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { Command } from "commander";
import { program } from "../../src/cli/program.ts";
import { settingNames } from "../../src/service/settings/settings.ts";
import { oneOf, seeded } from "../../tools/random.ts";
import { endOfCommand } from "../support/command-runner.ts";
import type { PlantedCommand } from "../support/command-runner.ts";
import { SecretPlanter, findPlanted, secretKinds } from "../support/planted-secrets.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testStandin } from "../support/test-standin.ts";
import { writeCredentials } from "./write-credentials.ts";

const seed = Number(process.env["SECRETS_SEED"] ?? 20_261_126);
const wanted = process.env["SECRETS"] === "full" ? 4_000 : 600;
const random = seeded(seed);
const planter = new SecretPlanter();
function pick<T>(...items: readonly T[]): T {
  return oneOf(random, items) as T;
}
const any = (): string => planter.plant(pick(...secretKinds));

/** The commands that do something, with their names. */
function leaves(command: Command, path: readonly string[] = []): { command: Command; path: readonly string[] }[] {
  if (command.commands.length === 0) return [{ command, path }];
  return command.commands.flatMap((each) => leaves(each, [...path, each.name()]));
}

/** Those that go on until they are ended: each gets something that keeps it from beginning. */
const lasting = new Set(["demo", "serve", "standin"]);
const fitsName = /^[\w.-]{1,64}$/;

test(
  `a secret in a wrong place of a command is repeated on neither output (SECRETS_SEED=${seed})`,
  { timeout: 900_000 },
  async (t) => {
    const folder = await temporaryFolder(t);
    await using standin = await testStandin();
    const env = await writeCredentials(folder, standin);
    mkdirSync(`${folder}/files`);
    let files = 0;
    const fileWith = (text: string): string => {
      files += 1;
      const path = `${folder}/files/${files}`;
      writeFileSync(path, text, { mode: pick(0o600, 0o644) });
      return path;
    };
    const wrongFile = (): string =>
      fileWith(
        pick(
          any(),
          `{"web":{"client_secret":"${any()}","client_id":"${any()}"}}`,
          `{"installed":"${any()}"`,
          `${any()}\n${any()}\n`,
          `ONBEHALF_KEY=${any()}\n${planter.plant("opaque")}=${any()}\nONBEHALF_PORT=${any()}`,
          `-----BEGIN ${any()}-----`,
        ),
      );
    const wrong = (): string =>
      pick(
        any,
        any,
        wrongFile,
        () => `${folder}/${any().replaceAll("/", "_")}`,
        () => `postgres://user:${encodeURIComponent(any())}@127.0.0.1:1/db?sslmode=disable`,
        () => `https://user:${encodeURIComponent(any())}@vault.example/?${any()}`,
        () => `ext:${any()}`,
        () => `${any()},${any()}`,
      )();

    const all = leaves(program());
    const variables = [...Object.values(settingNames), "HTTPS_PROXY", "PGPASSWORD", "ONBEHALF_UNKNOWN"];
    const commandOf = ({ command, path }: (typeof all)[number]): PlantedCommand => {
      const argv = [...path];
      for (const argument of command.registeredArguments) {
        // What is a name may be one: then it is where it belongs.
        const value = wrong();
        if (argument.required || random() < 0.5) argv.push(fitsName.test(value) ? `${value} ` : value);
      }
      const options = command.options.filter(() => random() < 0.12);
      for (const { long, required, optional } of options) {
        if (long === "--json" || (!required && !optional)) argv.push(long ?? "");
        else if (random() < 0.3) argv.push(`${long}=${wrong()}`);
        else argv.push(long ?? "", wrong());
      }
      const how = random();
      if (how < 0.06) argv.push(`--${any()}`);
      else if (how < 0.12) argv.push(`--${any()}=${any()}`);
      else if (how < 0.16) argv.push(`--key${pick("", "-file")}=${any()}`, `-${any()}`);
      else if (how < 0.2) argv.push(any());
      else if (how < 0.24) argv.splice(Math.floor(random() * path.length), 0, any());
      if (lasting.has(path[0] ?? "") || path[0] === "init") argv.push(`--none-such-${any()}`);
      const set = random() < 0.5 ? { [pick(...variables)]: wrong(), [pick(...variables)]: wrong() } : {};
      return { argv, env: set };
    };

    const runner = spawn(process.execPath, [new URL("../support/command-runner.ts", import.meta.url).pathname], {
      cwd: folder,
      env: { PATH: process.env["PATH"], HOME: folder, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    t.after(() => runner.kill("SIGKILL"));
    const said = { stdout: "", stderr: "" };
    let ended = 0;
    let next = Promise.withResolvers<void>();
    for (const name of ["stdout", "stderr"] as const) {
      runner[name].setEncoding("utf8").on("data", (text: string) => {
        said[name] += text;
        if (said.stdout.includes(endOfCommand) && said.stderr.includes(endOfCommand)) next.resolve();
      });
    }
    const over = once(runner, "close").then(([code]) =>
      assert.fail(`the runner ended with ${String(code)}: ${said.stderr}`),
    );
    const found: string[] = [];
    const codes = new Map<string, number>();
    for (let at = 0; planter.planted < wanted || at < all.length; at += 1) {
      const command = commandOf(all[at % all.length] ?? assert.fail());
      next = Promise.withResolvers();
      said.stdout = "";
      said.stderr = "";
      runner.stdin.write(`${JSON.stringify(command)}\n`);
      await Promise.race([next.promise, over]);
      ended += 1;
      const code = /=== end of command ===(\d+)/.exec(said.stdout)?.[1] ?? "";
      codes.set(code, (codes.get(code) ?? 0) + 1);
      for (const [name, text] of Object.entries(said)) {
        const form = findPlanted(text);
        if (form !== undefined) found.push(`${name} of ${JSON.stringify(command)}: ${form}`);
        if (/internal_error|not as it was written/.test(text))
          found.push(`a fault of ${JSON.stringify(command)}: ${text}`);
      }
      if (found.length > 20) break;
    }
    over.catch(() => undefined);
    runner.kill("SIGKILL");
    assert.deepEqual(found, []);
    assert.ok(
      ended >= all.length && (codes.get("2") ?? 0) > 20 && (codes.get("1") ?? 0) > 5,
      JSON.stringify([...codes]),
    );
    t.diagnostic(`${planter.planted} secrets in ${ended} commands: ${JSON.stringify([...codes])}`);
  },
);
