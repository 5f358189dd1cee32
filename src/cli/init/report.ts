import { relative } from "node:path";
import { facts, wrapped } from "../terminal/print.ts";
import type { ConsoleStep } from "./console-steps.ts";
import { standinUrl } from "./plan.ts";
import type { Plan } from "./plan.ts";

/** A path as the person would type it in the folder that they are in. */
export function shown(path: string): string {
  const short = relative("", path);
  const typed = short === "" ? "." : short.startsWith("..") ? path : short;
  return /^[\w./~@:+-]+$/.test(typed) ? typed : `'${typed.replaceAll("'", "'\\''")}'`;
}

/** How to run this program again. npx, and npm, say in the environment that they found it in a folder off the PATH. */
export function ownCommand({ npm_command: npm }: NodeJS.ProcessEnv): string {
  return npm === "exec" ? "npx onbehalf" : "onbehalf";
}

/**
 * What was done, what to enter at Google, and what to run next.
 *
 * @param command how to run this program: `onbehalf`, or `npx onbehalf` where it is not on the PATH
 */
export function report(plan: Plan, clientId: string, steps: readonly ConsoleStep[], command: string): string[] {
  const { files, caller, allow, standin, settings } = plan;
  const config = `--config ${shown(files.settings)}`;
  return [
    `Set up for client ${clientId}. These files are new, and this user's alone:`,
    "",
    ...indented(
      facts([
        [shown(files.settings), "the settings"],
        [shown(files.key), "the master key, which seals everything that is stored"],
        [shown(files.caller), `the key of the program ${caller}, with the permissions ${allow.join(", ")}`],
        ...(files.client === undefined ? [] : [[shown(files.client), "the stand-in's client"] as const]),
        ...(files.store === undefined ? [] : [[shown(files.store), "the store"] as const]),
      ]),
    ),
    "",
    ...(steps.length === 0 ? [] : ["In Google's console, https://console.cloud.google.com/auth:", ""]),
    ...indented(steps.flatMap(stepLines)),
    ...(steps.length === 0 ? [] : [""]),
    "Then:",
    "",
    ...indented([
      standin === undefined ? `${command} doctor ${config}` : `${command} standin${portFlag(standin)}`,
      `${command} serve ${config}`,
      `curl -H "Authorization: Bearer $(cat ${shown(files.caller)})" http://127.0.0.1:${settings.port ?? "8787"}/${firstPath(allow)}`,
    ]),
  ];
}

/** What the new key may ask for: the first request must not be refused. A sign-in with this user's id is still to come. */
function firstPath(allow: Plan["allow"]): string {
  if (allow.includes("grants:read")) return "v1/grants";
  return allow.includes("token") ? "v1/grants/ext:user-42/token" : "healthz";
}

function stepLines({ where, enter, why }: ConsoleStep): string[] {
  return [where, ...indented(enter), ...indented(wrapped(`(${why})`, 90))];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function portFlag(url: string): string {
  return url === standinUrl || !URL.canParse(url) ? "" : ` --port ${new URL(url).port}`;
}
