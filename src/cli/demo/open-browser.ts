import { spawn } from "node:child_process";

/**
 * Opens a page in the person's browser, where there is a person: at a terminal, with a desktop, not in CI.
 * It never fails: the address is on the screen as well.
 */
export function openBrowser(url: string): void {
  const opener = openerFor(process.platform, process.env);
  if (opener === undefined || !process.stdout.isTTY) return;
  const [program, ...before] = opener;
  const child = spawn(program, [...before, url], { stdio: "ignore", detached: true });
  child.on("error", () => undefined);
  child.unref();
}

/** The program that opens an address, with the arguments that come first; undefined where nobody would see a window. */
export function openerFor(
  platform: NodeJS.Platform,
  environment: Readonly<Record<string, string | undefined>>,
): readonly [string, ...string[]] | undefined {
  if ((environment["CI"] ?? "") !== "") return undefined;
  if (platform === "darwin") return ["open"];
  if (platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler"];
  // Without a display, xdg-open would start a browser inside the terminal.
  const display = environment["WAYLAND_DISPLAY"] ?? environment["DISPLAY"] ?? "";
  return display === "" ? undefined : ["xdg-open"];
}
