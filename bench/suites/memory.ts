/** Tokens that are in memory, over HTTP, beside what the same answer costs at least. */
import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { shown } from "../figures.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { startProgram } from "../child.ts";
import { copyOf, fillStore, referenceOf, settingsOf } from "../filled-store.ts";
import type { FilledStore } from "../filled-store.ts";
import { askedServer, connections, mixed, tokenRequest } from "../http-contender.ts";
import type { Asked, Listening, Server } from "../http-contender.ts";
import { requestOf } from "../load.ts";
import { cores } from "../pinning.ts";
import { versionOf } from "../result.ts";
import type { Aim, Table } from "../result.ts";
import { inTurn } from "../rounds.ts";
import { nginxSettings, nginxVersion, startNginx } from "../servers/nginx.ts";
import { startService } from "../service.ts";
import { rowsOf } from "../suite.ts";
import type { Compared, Run, Suite } from "../suite.ts";

const bare = "bare node:http, the same body";
const core = cores.server;

/** Requests for the tokens of so many grants, in an order that is none. */
function requestsFor(
  { callerKey }: FilledStore,
  grants: number,
  named: keyof typeof referenceOf = "id",
  query = "",
): Buffer[] {
  return mixed(grants).map((n) => tokenRequest(referenceOf[named](n), callerKey, query));
}

async function run(run: Run): Promise<readonly Table[]> {
  await using stack = new AsyncDisposableStack();
  const { size, tell } = run;
  const count = size(20_000, 200);
  const [few, many, all] = [size(5_000, 50), size(40_000, 80), size(100_000, 120)];
  const folder = await mkdtemp(join(run.quickFolder, "memory-"));
  tell(`filling a store with ${shown(all)} grants`);
  const path = join(folder, "grants.db");
  const filled = await fillStore(`sqlite:${path}`, () => sqlite(path), all);
  const changing = await copyOf(filled, join(folder, "changing.db"));

  const started = async <T extends { end(): Promise<void> }>(starting: Promise<T>): Promise<T> =>
    stack.adopt(await starting, (each) => each.end());
  const asked = (name: string, server: Server, requests: readonly Buffer[], more: Partial<Asked> = {}): Compared =>
    askedServer(name, server, requests, {
      times: count,
      isWarmed: true,
      ...(name === bare ? {} : { against: bare }),
      ...more,
    });
  const portOf = (child: { readonly pid: number; readonly ready: Listening }): Server => ({
    pid: child.pid,
    ...child.ready,
  });
  const serving = (store: FilledStore): ReturnType<typeof startService> =>
    started(startService(settingsOf(store), { core }));
  const [ofOne, ofFew, ofMany, ofChanging] = await Promise.all([
    serving(filled),
    serving(filled),
    serving(filled),
    serving(changing),
  ]);
  const services = { one: ofOne, few: ofFew, many: ofMany, changing: ofChanging };
  const answer = await fetch(`${services.one.url}/v1/grants/${referenceOf.id(0)}/token`, {
    headers: { authorization: `Bearer ${filled.callerKey}` },
  });
  const body = await answer.text();
  if (answer.status !== 200) throw new Error(`the service answered ${answer.status}: ${body}`);

  const writer = await started(
    startProgram<object>("servers/changing.ts", {
      core: cores.client,
      args: [changing.setting.slice(7), String(few), String(all)],
    }),
  );
  /** Sets how many other grants change a second; the answer says how many did until now. */
  const rates: number[] = [];
  const change = (perSecond: number) => async () => {
    const { rate } = await writer.ask<{ rate: number }>({ perSecond });
    if (Number.isFinite(rate) && rate > 0) rates.push(rate);
    // Until the changes have reached the service.
    await new Promise((resolve) => setTimeout(resolve, size(1_000, 10)));
  };

  const bareServer = await started(startProgram<Listening>("servers/bare.ts", { core, args: [body] }));
  const mapServer = await started(
    startProgram<Listening>("servers/map-server.ts", { core, args: [String(all), filled.callerKey] }),
  );
  const apps = {
    recorded: await started(startProgram<Listening>("servers/app-server.ts", { core, args: [JSON.stringify(filled)] })),
    unrecorded: await started(
      startProgram<Listening>("servers/app-server.ts", { core, args: [JSON.stringify(filled), "none"] }),
    ),
  };
  const atLeast = (ratio: number): Aim => ({ of: "ratio", atLeast: ratio });
  const ours = `onbehalf serve, ${shown(few)} grants`;
  const app = "startServer in an app, audit off";
  const plain = requestsFor(filled, few);
  const contenders: Compared[] = [
    {
      ...asked(bare, portOf(bareServer), plain),
      settings: `the answer of the token route, ${body.length} bytes, made once`,
    },
    asked("a Map and a Set by hand, 1 grant", portOf(mapServer), requestsFor(filled, 1), {
      settings: `${shown(all)} tokens in a Map, JSON.stringify for each answer; nothing sealed, recorded or revoked`,
    }),
    asked(`a Map and a Set by hand, ${shown(few)}`, portOf(mapServer), plain),
    asked(`a Map and a Set by hand, ${shown(many)} of ${shown(all)}`, portOf(mapServer), requestsFor(filled, many)),
    asked("onbehalf serve, 1 grant", services.one, requestsFor(filled, 1), {
      settings: `defaults (keeper in a process of its own, audit log), ${shown(all)} grants in a SQLite file`,
    }),
    asked(ours, services.few, plain, { aim: atLeast(0.95) }),
    asked(`onbehalf serve, ${shown(many)} of ${shown(all)} grants`, services.many, requestsFor(filled, many), {
      aim: atLeast(0.8),
    }),
    ...(["ext:", "sub:"] as const).map((named) =>
      asked(`the same ${shown(few)}, by ${named}`, services.few, requestsFor(filled, few, named), {
        against: ours,
        aim: atLeast(0.95),
      }),
    ),
    asked(
      `the same ${shown(few)}, with min_ttl_seconds=300`,
      services.few,
      requestsFor(filled, few, "id", "?min_ttl_seconds=300"),
      {
        against: ours,
        aim: atLeast(0.95),
      },
    ),
    ...(["id", "ext:"] as const).flatMap((named) => {
      const requests = requestsFor(changing, few, named);
      const quiet = `${shown(few)} by ${named}, no changes`;
      const busy = [50, 500].map((perSecond) =>
        asked(`${shown(few)} by ${named}, ${perSecond} other grants change a second`, services.changing, requests, {
          before: change(perSecond),
          times: 3 * count,
          against: quiet,
          aim: atLeast(0.9),
        }),
      );
      return [asked(quiet, services.changing, requests, { before: change(0), against: ours }), busy].flat();
    }),
    asked(app, portOf(apps.unrecorded), plain, { settings: "audit: none, keeper in the app's process" }),
    asked("startServer in an app, audit on", portOf(apps.recorded), plain, { against: app, aim: atLeast(0.95) }),
  ];
  const betterAuth = versionOf("better-auth");
  if (betterAuth === undefined) run.leaveOut("Better Auth", "not installed: npm ci --prefix bench");
  else {
    const users = size(200, 5);
    const server = await started(
      startProgram<Listening>("peers/better-auth-server.ts", { core, args: [String(users), filled.callerKey] }),
    );
    const requests = Array.from({ length: users }, (_, n) =>
      requestOf(`GET /token/${n} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${filled.callerKey}`),
    );
    contenders.push(
      asked("Better Auth, getAccessToken behind node:http", portOf(server), requests, {
        times: size(600, 20),
        settings: `${betterAuth}; ${users} users in node:sqlite in memory; rate limit, log and telemetry off; no session is read`,
      }),
    );
  }
  const nginx = nginxVersion();
  if (nginx === undefined) run.leaveOut("nginx", "not installed");
  else {
    const place = join(folder, "nginx");
    await mkdir(place);
    const server = await started(startNginx(place, body, core));
    contenders.push(
      asked("nginx, a file of the same bytes", server, [requestOf("GET /token HTTP/1.1\r\nHost: 127.0.0.1")], {
        settings: `${nginx}; ${nginxSettings}`,
      }),
    );
  }
  const figures = await inTurn(contenders, run);
  const perRound = `${shown(count)} answers a round, ${connections} connections that are kept open`;
  return [
    {
      title: "A token from memory, over HTTP",
      unit: "answers per second of the server's CPU time",
      rows: rowsOf(contenders, figures),
      notes: [
        perRound,
        `changes are made by another process on the same file; measured ${Math.round(Math.min(...rates))} to ${Math.round(Math.max(...rates))} a second`,
      ],
    },
  ];
}

export const memory: Suite = {
  name: "memory",
  title: "tokens that are in memory, over HTTP",
  rounds: 5,
  isPinned: true,
  seconds: (rounds) => 60 + rounds * 25,
  run,
};
