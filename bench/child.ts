/** Programs that are measured run in processes of their own, and are ended with the suite. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cpuSecondsOf } from "./process-cpu.ts";
import { pinned } from "./pinning.ts";

/** How long a program may take to answer, milliseconds: some fill a database first. */
const answerMs = 600_000;

/** A process that is measured. */
export interface Child<Ready> {
  readonly process: ChildProcess;
  /** The process whose CPU time counts. */
  readonly pid: number;
  /** What it said when it was ready. */
  readonly ready: Ready;
  /** Sends it a message, and returns its answer. */
  ask<Answer>(message: object): Promise<Answer>;
  readonly end: () => Promise<void>;
}

export interface HowToStart {
  readonly args?: readonly string[];
  readonly nodeFlags?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** The processor that it is pinned to; none by default. */
  readonly core?: number;
}

/** Starts a program of this folder, which tells by a message that it is ready. */
export async function startProgram<Ready>(file: string, how: HowToStart = {}): Promise<Child<Ready>> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const [program, ...args] = pinned([process.execPath, ...(how.nodeFlags ?? []), path, ...(how.args ?? [])], how.core);
  const child = spawn(program, args, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { ...process.env, ...how.env },
  });
  const ready = await nextMessage<Ready>(child, file);
  return {
    process: child,
    // `taskset` puts the program in its own place.
    pid: child.pid ?? 0,
    ready,
    async ask<Answer>(message: object) {
      const answer = nextMessage<Answer>(child, file);
      child.send(message);
      return answer;
    },
    end: () => ended(child, "SIGTERM"),
  };
}

/** Starts any program, which prints a line of JSON when it is ready. */
export async function startCommand(
  command: readonly string[],
  how: Omit<HowToStart, "args"> & { readonly cwd?: string } = {},
): Promise<{ readonly process: ChildProcess; readonly ready: unknown; readonly end: () => Promise<void> }> {
  const [program, ...args] = pinned(command, how.core);
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...how.env },
    cwd: how.cwd,
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2_000)));
  const line = await new Promise<string>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${command.join(" ")} ended with ${code}: ${said}`)));
    createInterface({ input: child.stdout }).once("line", resolve);
  });
  return { process: child, ready: JSON.parse(line) as unknown, end: () => ended(child, "SIGTERM") };
}

/** How often something is done in one second of a process's CPU time, while `work` does it `times` times. */
export async function perCpuSecond(pid: number, times: number, work: () => Promise<unknown>): Promise<number> {
  const before = cpuSecondsOf(pid);
  await work();
  return times / (cpuSecondsOf(pid) - before);
}

function nextMessage<T>(child: ChildProcess, name: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.off("exit", onExit);
      reject(new Error(`${name} ${why}`));
    };
    const onExit = (code: number | null): void => fail(`ended with ${code}`);
    const timer = setTimeout(() => fail("says nothing"), answerMs);
    child.once("exit", onExit);
    child.once("message", (message) => {
      clearTimeout(timer);
      child.off("exit", onExit);
      resolve(message as T);
    });
  });
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await gone;
  clearTimeout(timer);
}
