/**
 * The program of the process that holds what is secret of the settings, so that another keeper can be started after the
 * first has died, while the process that serves has none of it. It does nothing with the secrets but hand them on.
 *
 * Run with `start`, it starts itself once more and ends, so that the holder is no child of the process that serves.
 */
import { spawn } from "node:child_process";
import { randomBytes, timingSafeEqual } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { socketOf } from "./held-secrets.ts";
import type { HeldFor } from "./held-secrets.ts";
import type { HeldSecrets } from "./secret-names.ts";

/** How long the process that serves may take to ask, milliseconds. Without it there is nobody to hold anything for. */
const askedWithinMs = 30_000;

if (process.argv[2] === "start") {
  const program = [...process.execArgv, fileURLToPath(import.meta.url)];
  spawn(process.execPath, program, { detached: true, stdio: "inherit" }).unref();
} else {
  // The terminal's Ctrl+C and a shutdown's SIGTERM reach every process. This one ends after the one that serves.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
  // Node would print the error with what is around it.
  process.once("uncaughtException", () => process.exit(1));
  hold(JSON.parse(await text(process.stdin)) as Readonly<Record<HeldFor, HeldSecrets>>);
}

function hold(held: Readonly<Record<HeldFor, HeldSecrets>>): void {
  const address = `${newName()} ${randomBytes(32).toString("hex")}`;
  const { path, password } = socketOf(address);
  const end = (): void => {
    if (!path.startsWith("\0")) rmSync(dirname(path), { recursive: true, force: true });
    process.exit(0);
  };
  const late = setTimeout(end, askedWithinMs);
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.setEncoding("utf8");
    socket.once("data", (line: string) => {
      const [given = "", role = ""] = line.trim().split(" ");
      if (!isSame(given, password) || !(role === "serving" || role === "keeper")) {
        socket.destroy();
        return;
      }
      socket.write(`${JSON.stringify(held[role])}\n`);
      if (role !== "serving") return;
      clearTimeout(late);
      socket.once("close", end);
    });
    socket.resume();
  });
  server.listen(path, () => process.stdout.write(`${address}\n`));
}

/** On Linux a name in no folder; elsewhere a file in a folder that only this user may enter. */
function newName(): string {
  if (process.platform === "linux") return `@onbehalf-${randomBytes(16).toString("hex")}`;
  return join(mkdtempSync(join(tmpdir(), "onbehalf-")), "secrets");
}

function isSame(given: string, expected: string): boolean {
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}
