/**
 * `node tools/experiments/fast-route.ts`: what the short way from a socket to a cached token saves. The same service
 * answers the same question twice: as the short way takes it, and with a query that says the same and takes the long
 * way through the router. In turn, so that a noisy machine is noisy for both.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { load } from "../../bench/load.ts";
import { quantile } from "../../bench/quantile.ts";
import { printTable } from "./table.ts";

const rounds = 7;
const requests = 10_000;
const connections = 32;

const service = fork(new URL("../../bench/service-server.ts", import.meta.url));
const [{ port, key, grantId }] = (await once(service, "message")) as [{ port: number; key: string; grantId: string }];

async function cpuSeconds(): Promise<number> {
  const answer = once(service, "message");
  service.send({});
  const [{ cpu }] = (await answer) as [{ cpu: NodeJS.CpuUsage }];
  return (cpu.user + cpu.system) / 1e6;
}

/** Answers for one second of the service's CPU time. */
async function perCpuSecond(query: string): Promise<number> {
  const path = `/v1/grants/${grantId}/token${query}`;
  const before = await cpuSeconds();
  await load(
    port,
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}`,
    requests,
    connections,
  );
  return requests / ((await cpuSeconds()) - before);
}

const short: number[] = [];
const long: number[] = [];
// The first round warms both up and is not counted.
for (let round = 0; round <= rounds; round++) {
  const [direct, routed] = [await perCpuSecond(""), await perCpuSecond("?min_ttl_seconds=60")];
  if (round === 0) continue;
  short.push(direct);
  long.push(routed);
}
service.kill();
const ratios = short.map((direct, round) => direct / (long[round] ?? Number.NaN));
printTable(
  ["way", "answers per CPU second, median"],
  [
    ["short: before the router", Math.round(quantile(short, 0.5))],
    ["long: through the router", Math.round(quantile(long, 0.5))],
  ],
);
process.stdout.write(`short / long: median ${quantile(ratios, 0.5).toFixed(1)}\n`);
