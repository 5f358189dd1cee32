import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Step, Transcript } from "./transcript.ts";

/** How a program ended, and what it said. */
interface Ended {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** Programs that a transcript finds on its PATH, beside the system's own. */
const programs: Readonly<Record<string, string>> = {
  onbehalf: `exec "${process.execPath}" "${main}" "$@"`,
  // sign-in EMAIL: a phone's code from the stand-in, handed to the service.
  "sign-in": `code=$(curl -sS "$STANDIN/standin/code" --json "{\\"kind\\":\\"native\\",\\"email\\":\\"$1\\"}" | grep -o '4/[^"]*')
curl -sS "$SERVICE/authcode" -H "X-Requested-With: sign-in" --data-urlencode "authCode=$code" -d source=android`,
};

/** Plays a transcript in a folder with the real program, and checks what it says. */
export async function play(
  { steps }: Transcript,
  folder: string,
  given: Readonly<Record<string, string>>,
): Promise<void> {
  const bin = join(folder, ".bin");
  await mkdir(bin);
  for (const [name, body] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/usr/bin/env bash\n${body}\n`, { mode: 0o755 });
  }
  const system = (process.env["PATH"] ?? "").split(delimiter);
  const env: Record<string, string> = {
    ...given,
    PATH: [bin, dirname(process.execPath), ...system].join(delimiter),
    HOME: folder,
  };
  const running = new Map<string, Program>();
  try {
    for (const step of steps) await perform(step, folder, env, running);
  } finally {
    for (const program of running.values()) program.kill();
  }
}

async function perform(
  { line, act, keep, expect }: Step,
  cwd: string,
  env: Record<string, string>,
  running: Map<string, Program>,
): Promise<void> {
  const ended = await ending(act, cwd, env, running);
  const at = (where: number): string =>
    `line ${where}\nexit ${String(ended.exit)}\n--- stdout\n${ended.stdout}--- stderr\n${ended.stderr}`;
  const exit = expect.find((each) => each.of === "exit")?.code ?? 0;
  if (act.kind !== "start") assert.equal(ended.exit, exit, at(line));
  for (const each of expect) {
    if (each.of === "exit") continue;
    if (each.pattern === undefined) assert.equal(ended[each.of], "", at(each.line));
    else assert.equal(each.pattern.test(ended[each.of]), each.matches, `${String(each.pattern)}, ${at(each.line)}`);
  }
  for (const { name, member } of keep) env[name] = valueOf(ended.stdout, member, at(line));
}

async function ending(
  act: Step["act"],
  cwd: string,
  env: Readonly<Record<string, string>>,
  running: Map<string, Program>,
): Promise<Ended> {
  if (act.kind === "run") return patiently(new Program(act.command, cwd, env));
  if (act.kind === "start") {
    // The shell makes way for the program, so that a signal reaches the program itself.
    const program = new Program(`exec ${act.command}`, cwd, env);
    running.set(act.name, program);
    return program.firstLine();
  }
  const program = running.get(act.name);
  assert.ok(program, `nothing named ${act.name} was started`);
  if (act.signal !== undefined) program.signal(act.signal);
  return patiently(program);
}

/** Long enough for any command; one that hangs is ended, so that it is seen which. */
const patienceMs = 45_000;

async function patiently(program: Program): Promise<Ended> {
  const timer = setTimeout(() => program.kill(), patienceMs);
  const ended = await program.ended;
  clearTimeout(timer);
  return ended;
}

function valueOf(stdout: string, member: string | undefined, at: string): string {
  if (member === undefined) return stdout.trim();
  const value = (JSON.parse(stdout) as Record<string, unknown>)[member];
  assert.ok(typeof value === "string" || typeof value === "number", `there is no ${member}: ${at}`);
  return String(value);
}

class Program {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #stdout = "";
  #stderr = "";

  constructor(command: string, cwd: string, env: Readonly<Record<string, string>>) {
    const child = spawn("bash", ["-c", command], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.setEncoding("utf8").on("data", (text: string) => (this.#stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#stderr += text));
    this.#child = child;
    this.ended = once(child, "close").then(([code, signal]) => ({
      ...this.#said,
      exit: (code as number | null) ?? 128 + constants.signals[signal as NodeJS.Signals],
    }));
  }

  /** What it has said by the end of its first line. One that ends without any says so by its exit code. */
  async firstLine(): Promise<Ended> {
    const { promise, resolve } = Promise.withResolvers<Ended>();
    this.#child.stdout?.on("data", () => {
      if (this.#stdout.includes("\n")) resolve({ ...this.#said, exit: null });
    });
    const { exit } = await Promise.race([promise, this.ended]);
    assert.equal(exit, null, `it ended: ${this.#stderr}`);
    return { ...this.#said, exit };
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  kill(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
  }

  get #said(): { stdout: string; stderr: string } {
    return { stdout: this.#stdout, stderr: this.#stderr };
  }
}
