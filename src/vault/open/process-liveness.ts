import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { Liveness, Owner } from "../../core/take-over.ts";

/** The vaults of this process that are open. Two of them may share a store, as in tests and workers. */
const openVaults = new Set<string>();

/** Makes the identity of a new vault of this process. It counts as alive until {@link ownerGone}. */
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

/** Notes that nothing of a vault runs any more: its attempts may be taken over. */
export function ownerGone(owner: Owner): void {
  openVaults.delete(owner.vault);
}

/**
 * What this machine's process table says of an owner. An owner counts as dead only where that is certain: one that is
 * merely slow may hold the only copy of the only valid token.
 *
 * @param self the vault that asks
 */
export function livenessOf(owner: Owner, self: Owner): Liveness {
  if (owner.vault === self.vault) return "mine";
  if (owner.node !== self.node)
    return bootOf(owner.node) !== bootOf(self.node) && hostOf(owner.node) === hostOf(self.node) ? "dead" : "unknown";
  if (owner.pid === self.pid && owner.startedAt === self.startedAt)
    return openVaults.has(owner.vault) ? "alive" : "dead";
  if (!exists(owner.pid)) return "dead";
  const startedAt = startOf(owner.pid);
  // Where the system does not tell when a process started, a new process with the same pid makes a dead owner look
  // alive. Then a take-over comes later, but never too early.
  return startedAt !== undefined && owner.startedAt !== "" && startedAt !== owner.startedAt ? "dead" : "alive";
}

/** Host, boot and pid namespace. Two containers on one host have pids of their own, which may be equal by chance. */
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

/** When a process started, in ticks since boot: field 22 of its `stat` in proc(5). A zombie counts as gone. */
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
