/** `onbehalf serve`, as an operator starts it. */
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { processesOf, runVariable } from "../tools/chaos/processes.ts";
import { startCommand } from "./child.ts";

/** The program as it stands in the checkout, and as the package has it once it was built. */
export const programs = {
  source: fileURLToPath(new URL("../src/cli/main.ts", import.meta.url)),
  built: fileURLToPath(new URL("../dist/cli/main.js", import.meta.url)),
} as const;

export interface Service {
  readonly port: number;
  readonly url: string;
  /** The process that answers. */
  readonly pid: number;
  /** The mark of all its processes; see `tools/chaos/processes.ts`. */
  readonly run: string;
  /** All processes of the service: the one that answers, the keeper, and the one that holds the secrets. */
  pids(): number[];
  readonly end: () => Promise<void>;
}

/**
 * @param settings variables such as `ONBEHALF_STORE`
 * @param how.core the processor that all its processes are pinned to; none by default
 */
export async function startService(
  settings: NodeJS.ProcessEnv,
  how: { readonly core?: number; readonly cwd?: string; readonly program?: string } = {},
): Promise<Service> {
  const { program = programs.source, ...where } = how;
  const run = randomUUID();
  const child = await startCommand([process.execPath, program, "serve", "--json"], {
    ...where,
    env: { ONBEHALF_LOG_LEVEL: "warn", PORT: "0", [runVariable]: run, ...settings },
  });
  const ready = child.ready as { readonly service: string; readonly pid: number };
  return {
    url: ready.service,
    port: Number(new URL(ready.service).port),
    pid: ready.pid,
    run,
    pids: () => processesOf(run).map(({ pid }) => pid),
    end: child.end,
  };
}
