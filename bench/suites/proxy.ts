/** Calls of an API on the same machine, through the proxy and without it. */
import { startProgram } from "../child.ts";
import { load } from "../load.ts";
import { quantile } from "../quantile.ts";
import type { Table } from "../result.ts";
import type { Listening } from "../http-contender.ts";
import type { Run, Suite } from "../suite.ts";
import { grantIdOf } from "../../tools/key-rotation/fill.ts";

/** How many calls one road is asked before the next one has its turn. */
const perTurn = 64;

interface Ours extends Listening {
  readonly grantId: string;
  readonly plain: string;
  readonly hidden: string;
}

async function run(run: Run): Promise<readonly Table[]> {
  await using stack = new AsyncDisposableStack();
  const started = async <T extends { readonly end: () => Promise<void> }>(starting: Promise<T>): Promise<T> =>
    stack.adopt(await starting, (each) => each.end());
  const body = JSON.stringify({ kind: "drive#file", id: "1AbC", name: "notes.txt", description: "x".repeat(900) });
  const api = (await started(startProgram<Listening>("servers/bare.ts", { args: [body] }))).ready;
  const key = "a-key-by-hand";
  const byHand = (await started(startProgram<Listening>("servers/by-hand-proxy.ts", { args: [String(api.port), key] })))
    .ready;
  const env = { BENCH_FOLDER: run.folder };
  const ours = (await started(startProgram<Ours>("proxy-server.ts", { args: [String(api.port), "callers"], env })))
    .ready;
  const quiet = (await started(startProgram<Ours>("proxy-server.ts", { args: [String(api.port), "none"], env }))).ready;

  const road = (name: string, { port }: Listening, path: string, callerKey: string, settings?: string) => ({
    name,
    port,
    head: `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${callerKey}`,
    ...(settings === undefined ? {} : { settings }),
  });
  const target = "/drive/v3/files/1AbC";
  const proxied = ({ grantId }: Ours): string => `/v1/grants/${grantId}/proxy/www.googleapis.com${target}`;
  const direct = road("the API itself", api, target, "");
  const roads = [
    road(
      "by hand with fetch",
      byHand,
      `/proxy/${grantIdOf(0)}${target}`,
      key,
      "a key, a token in a Map, and the global fetch; nothing is recorded",
    ),
    road("onbehalf, without the audit log", quiet, proxied(quiet), quiet.plain),
    road("onbehalf", ours, proxied(ours), ours.plain, "the call is in the audit log, on the disk, before it is sent"),
    road("onbehalf, the answer looked through for the token", ours, proxied(ours), ours.hidden),
  ];
  const tables: Table[] = [];
  for (const atOnce of [1, 16]) {
    const added = roads.map((): number[] => []);
    const turns = run.size(8, 1);
    for (let round = run.isTrial ? 1 : 0; round <= run.rounds; round += 1) {
      const took = [direct, ...roads].map((): number[] => []);
      for (let turn = 0; turn < turns; turn += 1) {
        for (const [at, { port, head }] of [direct, ...roads].entries()) {
          took[at]?.push(...(await load(port, head, perTurn, atOnce)));
        }
      }
      const [without = Number.NaN, ...withIt] = took.map((times) => quantile(times, 0.5));
      if (round > 0) for (const [at, median] of withIt.entries()) added[at]?.push(median - without);
      run.tell(
        `round ${round}: the API ${without.toFixed(3)} ms, with ${withIt.map((each) => each.toFixed(3)).join(", ")}`,
      );
    }
    tables.push({
      title: `What is added to a call of an API, ${atOnce === 1 ? "one at a time" : `${atOnce} at once`}`,
      unit: "milliseconds",
      rows: roads.map(({ name, settings }, at) => {
        const row = { name, figures: added[at] ?? [] };
        return settings === undefined ? row : Object.assign(row, { settings });
      }),
      notes: [`the median of ${turns * perTurn} calls through it, less that of the API itself in the same round`],
    });
  }
  return tables;
}

export const proxy: Suite = {
  name: "proxy",
  title: "calls of an API through the proxy",
  rounds: 7,
  isPinned: false,
  seconds: (rounds) => 10 + rounds * 5,
  run,
};
