/**
 * `npm run bench:endpoint`: what an answer from memory costs at the token endpoint, as a ratio to one of the token route,
 * by the server's CPU time. Both are asked in turn, round by round, in one process: what makes it slow makes both slow. The
 * median of the rounds is what counts; it must not be above 1.3.
 */
import { fork } from "node:child_process";
import { once, perCpuSecond } from "./measured-server.ts";
import { quantile } from "./quantile.ts";

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 9);
const requests = Number(process.env["BENCH_REQUESTS"] ?? 20_000);
const most = 1.3;

interface Started {
  readonly port: number;
  readonly key: string;
  readonly grantId: string;
  readonly handle: string;
}

const server = fork(new URL("service-server.ts", import.meta.url));
try {
  const { port, key, grantId, handle } = await once<Started>(server);
  const host = `Host: 127.0.0.1:${port}`;
  const route = `GET /v1/grants/${grantId}/token HTTP/1.1\r\n${host}\r\nAuthorization: Bearer ${key}`;
  const credentials = Buffer.from(`bench:${key}`).toString("base64");
  const ways: Readonly<Record<string, readonly [head: string, body: string]>> = {
    "HTTP Basic": wayOf(`\r\nAuthorization: Basic ${credentials}`, ""),
    "secret in the body": wayOf("", `&client_id=bench&client_secret=${key}`),
  };
  function wayOf(header: string, more: string): readonly [string, string] {
    const body = `grant_type=refresh_token&refresh_token=${handle}${more}`;
    const type = "Content-Type: application/x-www-form-urlencoded";
    return [`POST /oauth/token HTTP/1.1\r\n${host}${header}\r\n${type}\r\nContent-Length: ${body.length}`, body];
  }

  const ratios: Record<string, number[]> = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  // The first round warms everything up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    const base = await perCpuSecond(server, port, route, requests);
    const shown = [`token route ${Math.round(base)}`];
    for (const [way, [head, body]] of Object.entries(ways)) {
      const ours = await perCpuSecond(server, port, head, requests, body);
      shown.push(`${way} ${Math.round(ours)}`);
      if (round > 0) ratios[way]?.push(base / ours);
    }
    process.stderr.write(`round ${round}: ${shown.join(", ")} answers per CPU second\n`);
  }
  for (const [way, measured] of Object.entries(ratios)) {
    const at = (share: number): string => quantile(measured, share).toFixed(2);
    process.stdout.write(
      `token endpoint (${way}) / token route, CPU time: median ${at(0.5)} (${at(0)} to ${at(1)}, ${rounds} rounds of ${requests}); at most ${most}\n`,
    );
    if (quantile(measured, 0.5) > most) process.exitCode = 1;
  }
} finally {
  server.kill();
}
