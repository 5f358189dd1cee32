import { spawn } from "node:child_process";
import { once } from "node:events";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { allEnded, isKeeper, processesOf, runVariable, signal } from "../../tools/chaos/processes.ts";
import type { TestVault } from "../support/test-vault.ts";

/** `onbehalf serve` in a process of its own, with its keeper. */
export interface ServiceProcess {
  readonly url: string;
  readonly pid: number;
  /** What it has written to stderr so far. */
  log(): string;
  /** Told of everything that it, or its keeper, writes to stdout and stderr from now on. */
  onOutput(listener: (chunk: Buffer) => void): void;
  /** Process ids of all living keepers, also of services that have died. */
  keepers(): readonly number[];
  /** How it ended: its exit code, or the signal. */
  readonly ended: Promise<number | string>;
  /** Resolves to whether the service and all its keepers end. */
  allEnded(): Promise<boolean>;
}

/**
 * Starts one over the test vault's file; it ends with the test, and its keepers too. The fixture must go by the machine's
 * clock. */
export async function startServiceProcess(
  t: TestContext,
  { path, key, standin, provider: { rotation } }: TestVault,
  settings: Readonly<Record<string, string>> = {},
  folder: string = process.cwd(),
  flags: readonly string[] = [],
): Promise<ServiceProcess> {
  const run = randomUUID();
  const { NODE_TEST_CONTEXT: _runner, ...inherited } = process.env;
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url)), "serve", "--json", ...flags],
    {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: folder,
      env: {
        ...inherited,
        [runVariable]: run,
        ONBEHALF_STORE: `sqlite:${path}`,
        ONBEHALF_KEY: key.expose(),
        ONBEHALF_CLIENT_ID: standin.clientId,
        ONBEHALF_CLIENT_SECRET: standin.clientSecret,
        ONBEHALF_GOOGLE_BASE_URL: standin.url,
        ONBEHALF_ROTATION: typeof rotation === "object" ? `grace:${rotation.graceSeconds}` : rotation,
        ONBEHALF_LOG_LEVEL: "silent",
        PORT: "0",
        ...settings,
      },
    },
  );
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, "exit").then(([code, name]) => (code ?? name) as number | string);
  t.after(async () => {
    for (const { pid } of processesOf(run)) signal(pid, "SIGKILL");
    await ended;
  });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const { service, pid } = JSON.parse(line) as { service: string; pid: number };
  return {
    url: service,
    pid,
    log: () => log,
    onOutput(listener) {
      for (const stream of [child.stdout, child.stderr]) stream.on("data", listener);
    },
    keepers: () =>
      processesOf(run)
        .filter(isKeeper)
        .map((each) => each.pid),
    ended,
    allEnded: () => allEnded(run, 30_000),
  };
}
