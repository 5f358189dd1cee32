import {
  advanceClock,
  changePassword,
  changeSettings,
  clientSecretFile,
  putClient,
  putPerson,
  removeApp,
  rotateKeys,
  viewOf,
} from "./control-actions.ts";
import { readPlacedFault } from "../http/faults.ts";
import { json, mediaType } from "../http/messages.ts";
import type { Handler, Incoming, Reply } from "../http/messages.ts";
import { BadInput, number, read, snake } from "../input-checks.ts";
import { issueCode } from "./issued-code.ts";
import { securityEvent } from "./risc.ts";
import type { Route } from "../http/router.ts";
import type { StandinState } from "../state/standin-state.ts";

/** Members in snake_case, as everything on the wire. */
function snaked(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [snake(name), member]));
}

function bodyOf(request: Incoming): unknown {
  if (request.body.length === 0) return {};
  if (mediaType(request.headers) === "application/x-www-form-urlencoded") {
    throw new BadInput("send JSON, with Content-Type application/json");
  }
  try {
    return JSON.parse(request.body.toString());
  } catch {
    throw new BadInput("the body is not JSON");
  }
}

/** Bad input is the test's own mistake: 400, with the member named. */
function control(handle: (request: Incoming) => unknown): Handler {
  return (request): Reply => {
    try {
      return json(200, handle(request));
    } catch (error) {
      if (!(error instanceof BadInput)) throw error;
      return json(400, { error: "invalid_request", error_description: error.message });
    }
  };
}

/** `/standin/…`: the JavaScript interface over HTTP, for tests in any language. */
export function controlRoutes(world: StandinState): Route[] {
  const clock = (): unknown => ({ now: new Date(world.clock.now()).toISOString() });
  return [
    { at: ["/standin/code"], POST: control((request) => issueCode(world, bodyOf(request), "snake")) },
    {
      at: ["/standin/faults"],
      GET: control(() => ({ faults: world.faults.waiting().map(snaked) })),
      POST: control((request) => {
        world.faults.add(readPlacedFault(bodyOf(request), "snake"));
        return { faults: world.faults.waiting().map(snaked) };
      }),
      DELETE: control(() => {
        world.faults.clear();
        return { faults: [] };
      }),
    },
    {
      at: ["/standin/clock"],
      GET: control(clock),
      POST: control((request) => {
        const { advanceSeconds } = read(bodyOf(request), { advanceSeconds: number(0) }, "snake");
        if (advanceSeconds === undefined) throw new BadInput("advance_seconds is missing");
        advanceClock(world, advanceSeconds * 1_000);
        return clock();
      }),
    },
    {
      at: ["/standin/settings"],
      GET: control(() => snaked(world.settings)),
      POST: control((request) => snaked(changeSettings(world, bodyOf(request), "snake"))),
    },
    { at: ["/standin/revoke"], POST: control((request) => ({ revoked: removeApp(world, bodyOf(request), "snake") })) },
    {
      at: ["/standin/password"],
      POST: control((request) => {
        changePassword(world, bodyOf(request), "snake");
        return {};
      }),
    },
    {
      at: ["/standin/clients"],
      GET: control(() => ({ clients: world.clients.all().map(viewOf).map(snaked) })),
      POST: control((request) => snaked(putClient(world, bodyOf(request), "snake"))),
    },
    {
      at: ["/standin/client_secret.json"],
      GET: control(({ query }) => clientSecretFile(world, query.get("client_id") ?? undefined)),
    },
    { at: ["/standin/risc"], POST: control((request) => ({ set: securityEvent(world, bodyOf(request), "snake") })) },
    { at: ["/standin/people"], POST: control((request) => putPerson(world, bodyOf(request), "snake")) },
    {
      at: ["/standin/keys"],
      POST: control((request) => ({ kid: rotateKeys(world, bodyOf(request), "snake") })),
    },
    {
      at: ["/standin/log"],
      GET: control((request) => {
        const since = Number(request.query.get("since") ?? "0");
        if (!Number.isInteger(since) || since < 0) throw new BadInput("since must be a number of a log entry");
        return world.log.page(since);
      }),
    },
  ];
}
