import { settingsFrom } from "../../service/config.ts";
import { logLevelOf, startDemo } from "./start.ts";
import { openBrowser } from "./open-browser.ts";
import { untilStopped } from "./stop.ts";

export interface DemoFlags {
  readonly port?: number;
  readonly standinPort?: number;
  readonly data?: string;
  readonly open: boolean;
  readonly json?: boolean;
}

/** Runs the demo until it is told to stop: one line or a few on stdout when ready, talk on stderr. */
export async function demo(flags: DemoFlags): Promise<void> {
  const stopped = untilStopped();
  const { port, standinPort, data } = flags;
  const running = await startDemo({
    ...(port === undefined ? {} : { port }),
    ...(standinPort === undefined ? {} : { standinPort }),
    ...(data === undefined ? {} : { data }),
    logLevel: logLevelOf(settingsFrom({}).logLevel),
    tell: (line) => process.stderr.write(`onbehalf: ${line}\n`),
  });
  const { service, standin, callerKey, clientId, folder } = running;
  const page = `${service}/`;
  if (flags.json === true) {
    const ready = { service, standin, page, caller_key: callerKey.expose(), client_id: clientId, pid: process.pid };
    process.stdout.write(`${JSON.stringify(ready)}\n`);
  } else {
    process.stdout.write(greeting(running, page, data === undefined ? undefined : folder));
    if (flags.open) openBrowser(page);
  }
  await stopped;
  await running.close();
}

function greeting(
  { service, standin, callerKey }: { service: string; standin: string; callerKey: { expose(): string } },
  page: string,
  kept: string | undefined,
): string {
  return `
  Onbehalf, with a stand-in for Google. Nothing leaves this machine.

    The page       ${page}
    The service    ${service}
    The stand-in   ${standin}   apps with access: ${standin}/account/access
    Its data       ${kept ?? "in a temporary folder, removed at the end"}

  Sign in on the page, then ask the service as a program of yours would:

    curl -H 'Authorization: Bearer ${callerKey.expose()}' ${service}/v1/grants

  Ctrl+C stops it.

`;
}
