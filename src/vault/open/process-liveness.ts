import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { Liveness, Owner } from "../../core/take-over.ts";

/** Vaults of this very process that are open: two of them may share a store, as tests and workers do. */
const openVaults = new Set<string>();

/** Makes an identity for one vault of this process, and declares it alive until {@link ownerGone}. */
export function newOwner(): Owner {
  const owner: Owner = {
    node: thisNode(),
    pid: process.pid,
    startedAt: startOf(process.pid) ?? "",
    vault: randomUUID(),
  };
  openVaults.add(owner.vault);
  return owner;
}

/** Declares that nothing of this vault runs any more. */
export function ownerGone(owner: Owner): void {
  openVaults.delete(owner.vault);
}

/**
 * What this machine's process table says of an owner. Only certainty counts: a holder who is merely slow may be the
 * only one with the only valid token.
 */
export function livenessOf(owner: Owner, self: Owner): Liveness {
  if (owner.vault === self.vault) return "mine";
  if (owner.node !== self.node)
    return bootOf(owner.node) !== bootOf(self.node) && hostOf(owner.node) === hostOf(self.node) ? "dead" : "unknown";
  if (owner.pid === self.pid && owner.startedAt === self.startedAt)
    return openVaults.has(owner.vault) ? "alive" : "dead";
  if (!exists(owner.pid)) return "dead";
  const startedAt = startOf(owner.pid);
  // Where the system does not tell when a process started, a reused pid looks alive: slower, never wrong.
  return startedAt !== undefined && owner.startedAt !== "" && startedAt !== owner.startedAt ? "dead" : "alive";
}

/** Host, boot, and pid namespace: pids of two containers on one host say nothing about each other. */
function thisNode(): string {
  return [hostname(), read("/proc/sys/kernel/random/boot_id"), link("/proc/self/ns/pid")].join("/");
}

function hostOf(node: string): string {
  return node.split("/")[0] ?? "";
}

function bootOf(node: string): string {
  return node.split("/")[1] ?? "";
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Field 22 of proc(5)'s stat: start time in ticks since boot. A zombie counts as gone. */
function startOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? "gone" : fields[19];
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
