/**
 * `npm run bench:audit`: what the audit log costs a token that is read from memory: answers per second of the server's CPU
 * time with it, as a ratio to those without. Both services run in turn, round by round.
 */
import { fork } from "node:child_process";
import { once, perCpuSecond } from "./measured-server.ts";
import { quantile } from "./quantile.ts";

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 15);
const requests = Number(process.env["BENCH_REQUESTS"] ?? 20_000);

const servers = ["callers", "none"].map((audit) => fork(new URL("service-server.ts", import.meta.url), [audit]));
try {
  const heads = await Promise.all(
    servers.map(async (server) => {
      const { port, key, grantId } = await once<{ port: number; key: string; grantId: string }>(server);
      const path = `/v1/grants/${grantId}/token`;
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${key}` } });
      if (answer.status !== 200) throw new Error(`the service answered ${answer.status}`);
      const head = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${key}`;
      return { server, port, head };
    }),
  );
  const ratios: number[] = [];
  // The first round warms both up and is not counted. Then each goes first in every other round.
  for (let round = 0; round <= rounds; round++) {
    const answers = new Map<number, number>();
    const order = [...heads.entries()];
    for (const [at, { server, port, head }] of round % 2 === 0 ? order : order.toReversed()) {
      answers.set(at, await perCpuSecond(server, port, head, requests));
    }
    const [recorded = 0, unrecorded = 1] = [answers.get(0), answers.get(1)];
    if (round > 0) ratios.push(recorded / unrecorded);
    process.stderr.write(
      `round ${round}: with the log ${Math.round(recorded)}, without ${Math.round(unrecorded)} answers per CPU second\n`,
    );
  }
  const at = (share: number): string => quantile(ratios, share).toFixed(3);
  process.stdout.write(
    `token from memory, with the audit log / without: median ${at(0.5)} (${at(0)} to ${at(1)}, ${rounds} rounds of ${requests})\n`,
  );
} finally {
  for (const server of servers) server.kill();
}
