/** nginx with one process, which answers a file of a few hundred bytes from its cache of open files and writes no log. */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pinned } from "../pinning.ts";

/** The version of the nginx that is installed; undefined where there is none. */
export function nginxVersion(): string | undefined {
  const { status, stderr } = spawnSync("nginx", ["-v"], { encoding: "utf8" });
  return status === 0 ? /nginx\/(\S+)/.exec(stderr)?.[1] : undefined;
}

export const nginxSettings =
  "worker_processes 1 (no master), access_log off, open_file_cache, tcp_nodelay, sendfile off";

/** @param folder an empty one */
export async function startNginx(
  folder: string,
  body: string,
  core: number,
): Promise<{ readonly port: number; readonly pid: number; end(): Promise<void> }> {
  const port = await freePort();
  mkdirSync(join(folder, "www"), { recursive: true });
  writeFileSync(join(folder, "www", "token"), body);
  chmodSync(folder, 0o755);
  const configuration = join(folder, "nginx.conf");
  writeFileSync(
    configuration,
    `daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit;
     events { worker_connections 512; }
     http {
       access_log off; tcp_nodelay on; sendfile off; keepalive_requests 100000000; default_type application/json;
       open_file_cache max=16; open_file_cache_valid 1h; etag off;
       client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
       uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
       server { listen 127.0.0.1:${port}; root ${folder}/www; add_header Cache-Control no-store; }
     }`,
  );
  const [program, ...args] = pinned(["nginx", "-p", folder, "-c", configuration], core);
  const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  for (let tries = 0; ; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/token`).catch(() => undefined);
    if (answer?.status === 200) break;
    if (tries > 200 || child.exitCode !== null)
      throw new Error(`nginx does not answer (${answer?.status ?? "nothing"})`);
    await sleep(50);
  }
  return {
    port,
    pid: child.pid ?? 0,
    async end() {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
