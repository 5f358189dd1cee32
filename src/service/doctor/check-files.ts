import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";
import type { FileFacts } from "./files.ts";

/** File systems that keep their files on another machine, by magic number (statfs(2)). */
const network: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0xff534d42: "CIFS",
  0xfe534d42: "SMB",
  0x517b: "SMB",
  0x5346414f: "AFS",
  0x564c: "NCP",
  0x47504653: "GPFS",
  0x00c36400: "Ceph",
};

/** File systems that may be on another machine, or whose locks may not be real. */
const doubtful: Readonly<Record<number, string>> = { 0x65735546: "FUSE", 0x01021997: "9P" };

/** Checks that a SQLite file is on a disk of this machine: its locks and its shared memory work only there. */
export function checkDisk({ path, fileSystem }: FileFacts): Finding[] {
  if (fileSystem === undefined) return [];
  // The magic number is a signed 32-bit word on some systems.
  const magic = fileSystem >>> 0;
  const far = network[magic];
  if (far !== undefined) {
    return [
      fail(
        "disk",
        `${path} is on ${far}: SQLite's locks are not reliable there, and grants can be lost`,
        "move it to a local disk, or use PostgreSQL",
      ),
    ];
  }
  const uncertain = doubtful[magic];
  if (uncertain !== undefined) {
    return [
      warn(
        "disk",
        `${path} is on ${uncertain}, which may not be a local disk`,
        "move it to a local disk, or use PostgreSQL",
      ),
    ];
  }
  return [ok("disk", `${path} is on a local disk`)];
}

/**
 * Checks who else may read a file: a key that everybody may read is everybody's key.
 *
 * @param severity what it is where everybody may
 */
export function checkMode(check: string, { path, mode }: FileFacts, severity: "warn" | "fail"): Finding[] {
  if (mode === undefined) return [];
  const octal = mode.toString(8).padStart(3, "0");
  const say = severity === "fail" ? fail : warn;
  if ((mode & 0o007) !== 0)
    return [say(check, `everybody on this machine can open ${path} (mode ${octal})`, `chmod o= ${path}`)];
  return [ok(check, `${path} has mode ${octal}`)];
}
