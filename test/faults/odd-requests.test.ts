/**
 * A service in a process of its own gets requests that no honest client sends, of a fixed seed. `ODD=full` sends a million;
 * without it, some thousand. `ODD_SEED` and `ODD_REQUESTS` send others.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { permissions } from "../../src/vault/http/callers.ts";
import { movableClock } from "../../src/index.ts";
import { seeded } from "../../tools/random.ts";
import { oddRequests } from "../support/odd-requests.ts";
import type { OddRequests } from "../support/odd-requests.ts";
import { marker } from "../support/odd-text.ts";
import { findSecret } from "../support/secret-encodings.ts";
import { testVault } from "../support/test-vault.ts";
import { startServiceProcess } from "./service-process.ts";

const isFull = process.env["ODD"] === "full";
const seed = Number(process.env["ODD_SEED"] ?? 20_261_126);
const wanted = Number(process.env["ODD_REQUESTS"] ?? (isFull ? 1_000_000 : 50_000));
const connections = 16;
/** The most that the service's memory may grow after its first fifth, bytes. */
const mostGrowth = 64 * 2 ** 20;
const limit = { timeout: isFull ? 3_600_000 : 300_000 };

interface Told {
  readonly statuses: readonly number[];
  readonly text: string;
}

/**
 * Sends bytes, and reads what comes until the other side closes. Our side is closed after what is no HTTP: the service
 * would wait for the rest of it.
 */
function tell(port: number, { bytes, isSound }: OddRequests): Promise<Told> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => (isSound ? socket.write(bytes) : socket.end(bytes)));
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    // The service may cut what is no HTTP. What came before counts.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      const text = Buffer.concat(chunks).toString("latin1");
      resolve({ text, statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)) });
    });
  });
}

/** The memory that a process has, bytes; undefined where its system does not tell. */
function memoryOf(pid: number): number | undefined {
  const status = `/proc/${pid}/status`;
  const kilobytes = existsSync(status) ? /VmRSS:\s+(\d+) kB/.exec(readFileSync(status, "latin1"))?.[1] : undefined;
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

test(
  `${wanted} odd requests get no 500, end no process, and leave nothing in memory or log (ODD_SEED=${seed})`,
  limit,
  async (t) => {
    const fixture = await testVault(t, { clock: movableClock() });
    const operator = await fixture.open();
    const keys = await Promise.all(
      [permissions, ["grants:read"] as const, ["proxy"] as const].map(
        async (allow, at) => (await operator.callers.create(`c${at}`, { allow })).key,
      ),
    );
    const grant = async (name: string): Promise<string> =>
      (await operator.exchangeCode({ code: fixture.code(`${name}@example.com`), externalId: name })).grantId;
    const [kept, doomed] = [await grant("kept"), await grant("doomed")];
    await operator.close();

    const service = await startServiceProcess(t, fixture, { ONBEHALF_LOG_LEVEL: "debug" });
    const { host, port } = new URL(service.url);
    const [keepers, started] = [service.keepers(), memoryOf(service.pid)];
    let output = 0;
    let carried = Buffer.alloc(0);
    const found: string[] = [];
    service.onOutput((chunk) => {
      output += chunk.length;
      const bytes = Buffer.concat([carried, chunk]);
      const form = findSecret(bytes, marker);
      if (form !== undefined) found.push(`${form}: ${bytes.toString("latin1").slice(0, 2_000)}`);
      carried = bytes.subarray(-200);
    });

    const next = oddRequests(seeded(seed), {
      host,
      keys: keys.map((key) => key.expose()),
      refs: [kept, "ext:kept"],
      doomed: [doomed, "ext:doomed"],
    });
    const counts = new Map<number, number>();
    const faults: string[] = [];
    const memory: number[] = [];
    let [sent, answered, unanswered] = [0, 0, 0];
    const check = ({ bytes, isSound }: OddRequests, { statuses, text }: Told): void => {
      for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1);
      answered += statuses.length;
      if (statuses.includes(500) || /\n\s+at .{1,80}\.[jt]s:\d+/.test(text) || (isSound && statuses.length === 0)) {
        faults.push(
          `${statuses.join(" ")} to ${JSON.stringify(bytes.toString("latin1").replaceAll(/(.+?)\1{20,}/g, "$1…")).slice(0, 1_000)}`,
        );
      }
      if (statuses.length === 0) unanswered += 1;
    };
    const send = async (): Promise<void> => {
      while (sent < wanted && faults.length === 0 && found.length === 0) {
        const odd = next();
        const part = Math.floor((sent / wanted) * 50);
        sent += odd.count;
        check(odd, await tell(Number(port), odd));
        if (memory[part] === undefined) memory[part] = memoryOf(service.pid) ?? 0;
      }
    };
    const begun = performance.now();
    await Promise.all(Array.from({ length: connections }, send));
    const seconds = (performance.now() - begun) / 1_000;

    assert.deepEqual(faults, []);
    assert.deepEqual(found, [], "the log has what was sent");
    assert.equal((await fetch(`${service.url}/readyz`)).status, 200);
    const answer = await fetch(`${service.url}/v1/grants/${kept}/token`, {
      headers: { authorization: `Bearer ${keys[0]?.expose()}` },
    });
    assert.equal(answer.status, 200, await answer.text());
    assert.deepEqual(service.keepers(), keepers, "the same keeper as before");
    assert.ok(answered > wanted / 2, `${answered} answers`);
    for (const status of [200, 400, 401, 403, 404, 405, 413, 431]) assert.ok(counts.has(status), `no ${status}`);

    const samples = memory.filter((bytes) => bytes > 0);
    const [early, late] = [Math.max(...samples.slice(0, 10)), Math.max(...samples.slice(-10))];
    if (samples.length > 20) assert.ok(late - early < mostGrowth, `from ${mebibytes(early)} to ${mebibytes(late)}`);
    t.diagnostic(
      `${sent} requests in ${seconds.toFixed(0)} s, ${answered} answers, ${unanswered} connections without one: ` +
        JSON.stringify(Object.fromEntries([...counts].sort(([a], [b]) => a - b))),
    );
    t.diagnostic(
      `memory at the start ${mebibytes(started ?? 0)}, in the first fifth ${mebibytes(early)}, in the last ${mebibytes(late)}; ` +
        `${output} bytes of log`,
    );
  },
);
