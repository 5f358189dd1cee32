/**
 * Asks the process that holds what is secret of the settings (holder.ts). It exists where secrets came in the environment
 * or the arguments: these stay readable for as long as the process lives that was started with them.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import type { OnbehalfError } from "../../core/errors.ts";
import { unavailable } from "../../keeper-process/unavailable.ts";
import type { HeldSecrets } from "./secret-names.ts";

/** Who asks. Each is given what it needs. */
export type HeldFor = "serving" | "keeper";

/** How long a holder that was just started may take to listen, milliseconds, and how often to look. */
const listensWithinMs = 15_000;
const lookEveryMs = 5;

/**
 * Where a holder listens, what it wants to hear first, and the id of its process. Names that begin with `@` are in no folder
 * (unix(7)).
 */
export function socketOf(address: string): { readonly path: string; readonly password: string; readonly pid: number } {
  const [name = "", password = "", pid] = address.split(" ");
  return { path: name.startsWith("@") ? `\0${name.slice(1)}` : name, password, pid: Number(pid) };
}

/**
 * What is held for a process. Who asks may be there before the holder is.
 *
 * @param address where the holder was told to listen
 * @param onGone told when the holder ends; without it the connection is closed at once. A holder ends when the process
 *   that serves has closed its own
 * @throws {OnbehalfError} `keeper_unavailable`: the holder does not answer
 */
export async function secretsHeldAt(address: string, role: HeldFor, onGone?: () => void): Promise<HeldSecrets> {
  const { path, password, pid } = socketOf(address);
  const socket = await connected(path, pid);
  return new Promise((resolve, reject) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (!text.endsWith("\n")) return;
      resolve(JSON.parse(text) as HeldSecrets);
      text = "";
      if (onGone === undefined) socket.destroy();
      // It must not keep this process, which closes it by ending.
      else socket.unref();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      reject(noAnswer());
      onGone?.();
    });
    socket.write(`${password} ${role}\n`);
  });
}

/** @throws {OnbehalfError} `keeper_unavailable`: nobody listens there, and nobody is going to */
async function connected(path: string, pid: number): Promise<Socket> {
  const until = performance.now() + listensWithinMs;
  for (;;) {
    const socket = connect(path);
    try {
      await once(socket, "connect");
      return socket;
    } catch {
      if (performance.now() > until || hasEnded(pid)) throw noAnswer();
      await setTimeout(lookEveryMs);
    }
  }
}

/** A holder is a child of the process that serves, which does not know of it: it stays in the process table. */
function hasEnded(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    // Without that table, time decides.
    return false;
  }
}

function noAnswer(): OnbehalfError<"keeper_unavailable"> {
  return unavailable(
    "the process that holds the keys and secrets from the environment does not answer",
    "restart the service: no keeper can be started without it",
  );
}

/** Gives this process the variables that were held for it. Only what runs from now on sees them, and no process table. */
export function takeVariables({ variables }: HeldSecrets): void {
  // oxlint-disable-next-line eslint/no-restricted-properties -- drivers and the operator's own programs read them there
  Object.assign(process.env, variables);
}
