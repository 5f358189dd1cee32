/**
 * `npm run bench:proxy`: what the proxy adds to a call of an API on the same machine: median and 99th percentile through it,
 * less those of the API itself, one call at a time and 16 at once. Both are asked in turn, a few calls at a time, so that a
 * noisy moment is noisy for both. `BENCH_FOLDER` says where the SQLite file is: each call is in the audit log before it is sent,
 * so that a disk that others keep busy is part of the figures. `BENCH_AUDIT=none` leaves the log out.
 */
import { fork } from "node:child_process";
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "./load.ts";
import { once } from "./measured-server.ts";
import { quantile } from "./quantile.ts";

const calls = Number(process.env["BENCH_REQUESTS"] ?? 4_000);
const atOnce = [1, 16];
/** How many calls one road is asked before the next one has its turn. */
const perTurn = 64;

/** How long the disk takes to keep a page, in milliseconds: a call waits for that once, unless others wait with it. */
function flushes(): number[] {
  const folder = mkdtempSync(join(process.env["BENCH_FOLDER"] ?? tmpdir(), "onbehalf-bench-"));
  const file = openSync(join(folder, "pages"), "w");
  const page = Buffer.alloc(4_096);
  const took = Array.from({ length: 200 }, () => {
    // In its place, as the log of a database is written that has been emptied once.
    writeSync(file, page, 0, page.length, 0);
    const since = performance.now();
    fdatasyncSync(file);
    return performance.now() - since;
  });
  closeSync(file);
  rmSync(folder, { recursive: true });
  return took;
}

const figures = (times: readonly number[]): string =>
  [0.5, 0.99].map((share) => `${quantile(times, share).toFixed(2)} ms`).join(", ");

const body = JSON.stringify({ kind: "drive#file", id: "1AbC", name: "notes.txt", description: "x".repeat(900) });
const api = fork(new URL("bare-server.ts", import.meta.url));
api.send({ body, headers: { "content-type": "application/json; charset=utf-8" } });
const { port: apiPort } = await once<{ port: number }>(api);
const service = fork(new URL("proxy-server.ts", import.meta.url), [
  String(apiPort),
  process.env["BENCH_AUDIT"] ?? "callers",
]);
try {
  const { port, grantId, ...keys } = await once<{ port: number; grantId: string; plain: string; hidden: string }>(
    service,
  );
  const headOf = (key: string): string =>
    `GET /v1/grants/${grantId}/proxy/www.googleapis.com/drive/v3/files/1AbC HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n` +
    `Authorization: Bearer ${key}`;
  const roads = [
    { name: "the API itself", port: apiPort, head: `GET /drive/v3/files/1AbC HTTP/1.1\r\nHost: 127.0.0.1:${apiPort}` },
    { name: "through the proxy", port, head: headOf(keys.plain) },
    { name: "through the proxy, looked through for the token", port, head: headOf(keys.hidden) },
  ];
  process.stdout.write(
    `load average ${loadavg()
      .map((each) => each.toFixed(1))
      .join(" ")}\n`,
  );
  process.stdout.write(`a flush of the disk: median, 99th percentile ${figures(flushes())}\n`);
  for (const connections of atOnce) {
    const took = roads.map((): number[] => []);
    const turns = Math.ceil(calls / perTurn);
    // The first turns warm all of them up and are not counted.
    for (let turn = -Math.ceil(turns / 4); turn < turns; turn++) {
      for (const [at, { port: to, head }] of roads.entries()) {
        const times = await load(to, head, perTurn, connections);
        if (turn >= 0) took[at]?.push(...times);
      }
    }
    const [direct = []] = took;
    const added = (times: readonly number[]): string =>
      [0.5, 0.99].map((share) => `${(quantile(times, share) - quantile(direct, share)).toFixed(2)} ms`).join(", ");
    for (const [at, { name }] of roads.entries()) {
      const times = took[at] ?? [];
      const more = at === 0 ? "" : `; adds ${added(times)}`;
      process.stdout.write(`${connections} at once, ${name}: median, 99th percentile ${figures(times)}${more}\n`);
    }
  }
} finally {
  service.kill();
  api.kill();
}
