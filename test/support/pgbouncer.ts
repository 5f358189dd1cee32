import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { freePort } from "./free-port.ts";

/**
 * PgBouncer before the server of a connection string, in transaction mode, for one test. Where it is not installed, the
 * test is skipped, and says why.
 *
 * @returns the same connection string, through it
 */
export async function throughPgBouncer(t: TestContext, connectionString: string): Promise<string | undefined> {
  // Debian puts it where only root's PATH leads.
  const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` };
  try {
    execFileSync("pgbouncer", ["--version"], { stdio: "ignore", env });
  } catch {
    const missing = "needs pgbouncer (apt-get install pgbouncer)";
    if (process.env["CI"] === "true") throw new Error(missing);
    t.skip(missing);
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), "onbehalf-pgbouncer-"));
  const { hostname, port, username, password } = new URL(connectionString);
  const listenPort = await freePort();
  const file = `${folder}/pgbouncer.ini`;
  await writeFile(
    file,
    `[databases]
     * = host=${hostname} port=${port || "5432"} user=${username} password='${decodeURIComponent(password)}'
     [pgbouncer]
     listen_addr = 127.0.0.1
     listen_port = ${listenPort}
     unix_socket_dir =
     auth_type = any
     pool_mode = transaction
     default_pool_size = 3
     ${userInfo().uid === 0 ? "user = postgres" : ""}`.replaceAll(/^ +/gm, ""),
  );
  await chmod(folder, 0o755);
  const child = spawn("pgbouncer", [file], { stdio: "ignore", env });
  t.after(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    await rm(folder, { recursive: true, force: true });
  });
  while (!(await answers(listenPort))) {
    if (child.exitCode !== null) throw new Error(`pgbouncer ended with ${child.exitCode}`);
  }
  const url = new URL(connectionString);
  url.port = String(listenPort);
  return url.href;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
