import { execFileSync } from "node:child_process";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** A disk that can be full or read-only. */
export interface SmallDisk {
  readonly folder: string;
  /** Lets nobody write any more. */
  makeReadOnly(): void;
}

/**
 * A small file system of its own, for one test. Where mounting is not allowed, the test is skipped, and says why.
 *
 * @param kilobytes how much fits on it
 */
export async function smallDisk(t: TestContext, kilobytes: number): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-disk-"));
  const mount = (...args: string[]): void => void execFileSync("mount", args, { stdio: "ignore" });
  try {
    mount("-t", "tmpfs", "-o", `size=${kilobytes}k`, "onbehalf-test", folder);
  } catch {
    await rmdir(folder);
    t.skip("needs the right to mount a small file system (root on Linux)");
    return undefined;
  }
  t.after(async () => {
    execFileSync("umount", ["--lazy", folder], { stdio: "ignore" });
    await rmdir(folder);
  });
  return { folder, makeReadOnly: () => mount("-o", "remount,ro", folder) };
}
