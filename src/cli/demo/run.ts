import { defined } from "../../core/defined.ts";
import { OnbehalfError, configurationProblems } from "../../core/errors.ts";
import { logLevelsOf, returnUrlsOf, settingsFrom } from "../../service/settings/config.ts";
import type { LogLevel } from "../../service/settings/config.ts";
import { printJson, printLines, say } from "../terminal/print.ts";
import { untilBroken, untilStopped } from "../terminal/stop.ts";
import { openBrowser } from "./open-browser.ts";
import { startDemo } from "../../demo/start.ts";
import type { RunningDemo } from "../../demo/start.ts";

export interface DemoFlags {
  readonly port?: number;
  readonly standinPort?: number;
  readonly data?: string;
  readonly returnUrls?: string;
  readonly open: boolean;
  readonly json?: boolean;
}

/**
 * Runs the demo until the process is told to stop. When all is ready, its addresses go to stdout. However it ends, stderr
 * says why: a demo that was gone in the morning, without a word, looks like a service that cannot be trusted.
 *
 * @throws where it ends for any other reason than a signal
 */
export async function demo({ port, standinPort, data, returnUrls, open, json }: DemoFlags): Promise<void> {
  const stopped = untilStopped();
  const broken = untilBroken();
  broken.catch(() => undefined);
  const running = await startDemo({
    ...defined({ port, standinPort, data, returnUrls: returnUrlsAmong(returnUrls) }),
    logLevel: demoLogLevel(),
    tell: say,
  });
  const { service, standin, page, dashboard, metrics, callerKey, callerKeyFile, clientId } = running;
  if (json === true) {
    printJson({
      service,
      standin,
      page,
      dashboard,
      metrics,
      caller_key: callerKey.expose(),
      caller_key_file: callerKeyFile,
      client_id: clientId,
      pid: process.pid,
    });
  } else {
    printLines(greeting(running, data !== undefined));
    if (open) openBrowser(page);
  }
  try {
    const signal = await Promise.race([stopped, broken, running.ended.then(endedByItself)]);
    say(`${signal}: the demo ends`);
  } finally {
    await running.close();
  }
  say(data === undefined ? "stopped, and its data is removed" : `stopped; its data is in ${running.folder}`);
}

function endedByItself(part: string): never {
  throw new OnbehalfError("internal_error", `the demo ends, because its ${part} no longer listens`, {
    hint: "start it again; where that comes again, please report it",
    details: {},
  });
}

function greeting(
  { service, standin, page, dashboard, metrics, callerKey, folder }: RunningDemo,
  kept: boolean,
): string[] {
  return [
    "",
    "  Onbehalf, with a stand-in for Google. Nothing leaves this machine.",
    "",
    `    The page       ${page}`,
    `    The dashboard  ${dashboard}`,
    `    The service    ${service}`,
    `    The stand-in   ${standin}   (apps with access: ${standin}/account/access)`,
    `    Its counters   ${metrics}/metrics`,
    `    Its data       ${kept ? folder : "in a temporary folder, removed at the end"}`,
    "",
    "  Sign in on the page, then ask the service as your own program would:",
    "",
    `    curl -H 'Authorization: Bearer ${callerKey.expose()}' ${service}/v1/grants`,
    "",
    "  Ctrl+C stops it.",
    "",
  ];
}

/** The page shows what happens, so the terminal gets errors alone unless a level was set. */
function demoLogLevel(): LogLevel {
  const { logLevel = "error" } = settingsFrom({});
  const problems: string[] = [];
  const { level } = logLevelsOf({ logLevel }, problems);
  if (problems.length > 0) throw configurationProblems(problems, "correct it, or leave it out");
  return level;
}

function returnUrlsAmong(flag: string | undefined): readonly string[] | undefined {
  const { returnUrls = "" } = settingsFrom(defined({ returnUrls: flag }));
  const problems: string[] = [];
  const list = returnUrlsOf({ returnUrls }, problems);
  if (problems.length > 0) throw configurationProblems(problems, "correct it, or leave it out");
  return list.length === 0 ? undefined : list;
}
