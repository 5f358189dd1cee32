/**
 * `npm run bench`: the cost of an answer from memory, as a ratio to a bare node:http server that answers the same
 * bytes, per second of the server's CPU time. Both run in turn, round by round, so that a noisy machine is noisy for
 * both; the median of the rounds is what counts.
 */
import { fork } from "node:child_process";
import { once, perCpuSecond, usageOf } from "./measured-server.ts";
import { quantile } from "./quantile.ts";

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 9);
const requests = Number(process.env["BENCH_REQUESTS"] ?? 20_000);

const serviceServer = fork(new URL("service-server.ts", import.meta.url));
const bareServer = fork(new URL("bare-server.ts", import.meta.url));
try {
  const { port, key, grantId } = await once<{ port: number; key: string; grantId: string }>(serviceServer);
  const path = `/v1/grants/${grantId}/token`;
  const head = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}`;
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${key}` } });
  if (answer.status !== 200) throw new Error(`the service answered ${answer.status}`);
  const barePort = once<{ port: number }>(bareServer);
  bareServer.send({
    body: await answer.text(),
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
  const bare = (await barePort).port;

  const ratios: number[] = [];
  // The first round warms both up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    const ours = await perCpuSecond(serviceServer, port, head, requests);
    const theirs = await perCpuSecond(bareServer, bare, head, requests);
    if (round > 0) ratios.push(ours / theirs);
    process.stderr.write(
      `round ${round}: service ${Math.round(ours)}, bare ${Math.round(theirs)} answers per CPU second\n`,
    );
  }
  const at = (share: number): string => quantile(ratios, share).toFixed(2);
  const { rss } = await usageOf(serviceServer);
  process.stdout.write(
    `token from memory, service / bare node:http: median ${at(0.5)} (${at(0)} to ${at(1)}, ${rounds} rounds of ${requests})\n` +
      `memory of the service after them: ${Math.round(rss / 2 ** 20)} MB\n`,
  );
} finally {
  serviceServer.kill();
  bareServer.kill();
}
