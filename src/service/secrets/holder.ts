/**
 * The program of the process that holds what is secret of the settings, so that another keeper can be started after the
 * first has died, while the process that serves has none of it. It does nothing with the secrets but hand them on.
 */
import { timingSafeEqual } from "node:crypto";
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { text } from "node:stream/consumers";
import { socketOf } from "./held-secrets.ts";
import type { HeldFor } from "./held-secrets.ts";
import type { HeldSecrets } from "./secret-names.ts";

/** What it is told through its stdin. */
export interface Holding {
  /** Where to listen, as {@link socketOf} takes it. */
  readonly address: string;
  readonly held: Readonly<Record<HeldFor, HeldSecrets>>;
}

/** How long the process that serves may take to ask, milliseconds. Without it there is nobody to hold anything for. */
const askedWithinMs = 30_000;

// The terminal's Ctrl+C and a shutdown's SIGTERM reach every process. This one ends after the one that serves.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
// Node would print the error with what is around it.
process.once("uncaughtException", () => process.exit(1));
hold(JSON.parse(await text(process.stdin)) as Holding);

function hold({ address, held }: Holding): void {
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
  server.listen(path);
}

function isSame(given: string, expected: string): boolean {
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}
