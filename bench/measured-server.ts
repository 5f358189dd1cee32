/** A server in a process of its own, whose CPU time is measured. */
import type { ChildProcess } from "node:child_process";
import { load } from "./load.ts";

const connections = 32;

/** What a server has used so far. */
export interface Usage {
  readonly cpu: NodeJS.CpuUsage;
  readonly rss: number;
}

/** The next message of a server. */
export function once<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error("a server ended early"));
    child.once("exit", ended);
    child.once("message", (message) => {
      child.off("exit", ended);
      resolve(message as T);
    });
  });
}

export async function usageOf(child: ChildProcess): Promise<Usage> {
  const answer = once<Usage>(child);
  child.send({});
  return answer;
}

/** Requests answered for one second of the server's CPU time. */
export async function perCpuSecond(
  child: ChildProcess,
  port: number,
  head: string,
  requests: number,
  body = "",
): Promise<number> {
  const before = await usageOf(child);
  await load(port, head, requests, connections, body);
  const after = await usageOf(child);
  const seconds = (after.cpu.user - before.cpu.user + after.cpu.system - before.cpu.system) / 1e6;
  return requests / seconds;
}
