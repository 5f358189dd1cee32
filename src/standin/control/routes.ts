/**
 * What a test does to the stand-in: issue a code, place a fault, move the clock, change a setting. Google has none of this.
 * Whatever an app or a person can do at Google belongs to the other folders.
 */

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
import { BadInput, number, read, snakeCase } from "../input-checks.ts";
import { issueCode } from "./issued-code.ts";
import { securityEvent } from "./risc.ts";
import type { Route } from "../http/router.ts";
import type { StandinState } from "../state/standin-state.ts";

/** An object with its member names in snake_case, as JSON has them. */
function snakeCased(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [snakeCase(name), member]));
}

function bodyOf(request: Incoming): unknown {
  if (request.body.length === 0) return {};
  if (mediaType(request.headers) === "application/x-www-form-urlencoded") {
    throw new BadInput("the body must be JSON, with Content-Type application/json");
  }
  try {
    return JSON.parse(request.body.toString());
  } catch {
    throw new BadInput("the body must be valid JSON");
  }
}

/**
 * Answers bad input with a 400 that names the member: it is a mistake in the test.
 *
 * @param parameters what may stand in the query. Anything else is named: a body's members in the query would be ignored
 */
function control(handle: (request: Incoming) => unknown, parameters: readonly string[] = []): Handler {
  return (request): Reply => {
    try {
      refuseUnknownQuery(request.query, parameters);
      return json(200, handle(request));
    } catch (error) {
      if (!(error instanceof BadInput)) throw error;
      return json(400, { error: "invalid_request", error_description: error.message });
    }
  };
}

function refuseUnknownQuery(query: URLSearchParams, parameters: readonly string[]): void {
  for (const name of query.keys()) {
    if (!parameters.includes(name)) {
      const known = parameters.length === 0 ? "there are none" : `there is ${parameters.join(", ")}`;
      throw new BadInput(`unknown query parameter ${JSON.stringify(name)}: ${known}; a POST takes its members as JSON`);
    }
    if (query.getAll(name).length > 1) throw new BadInput(`the query parameter ${name} must be given once`);
  }
}

/** `/standin/…`: the JavaScript interface over HTTP, for tests in any language. */
export function controlRoutes(state: StandinState): Route[] {
  const clock = (): unknown => ({ now: new Date(state.clock.now()).toISOString() });
  return [
    { at: ["/standin/code"], POST: control((request) => issueCode(state, bodyOf(request), "snake")) },
    {
      at: ["/standin/faults"],
      GET: control(() => ({ faults: state.faults.waiting().map(snakeCased) })),
      POST: control((request) => {
        state.faults.add(readPlacedFault(bodyOf(request), "snake"));
        return { faults: state.faults.waiting().map(snakeCased) };
      }),
      DELETE: control(() => {
        state.faults.clear();
        return { faults: [] };
      }),
    },
    {
      at: ["/standin/clock"],
      GET: control(clock),
      POST: control((request) => {
        const { advanceSeconds } = read(bodyOf(request), { advanceSeconds: number(0) }, "snake", ["advanceSeconds"]);
        advanceClock(state, advanceSeconds * 1_000);
        return clock();
      }),
    },
    {
      at: ["/standin/settings"],
      GET: control(() => snakeCased(state.settings)),
      POST: control((request) => snakeCased(changeSettings(state, bodyOf(request), "snake"))),
    },
    { at: ["/standin/revoke"], POST: control((request) => ({ revoked: removeApp(state, bodyOf(request), "snake") })) },
    {
      at: ["/standin/password"],
      POST: control((request) => {
        changePassword(state, bodyOf(request), "snake");
        return {};
      }),
    },
    {
      at: ["/standin/clients"],
      GET: control(() => ({ clients: state.clients.all().map(viewOf).map(snakeCased) })),
      POST: control((request) => snakeCased(putClient(state, bodyOf(request), "snake"))),
    },
    {
      at: ["/standin/client_secret.json"],
      GET: control(({ query }) => clientSecretFile(state, query.get("client_id") ?? undefined), ["client_id"]),
    },
    { at: ["/standin/risc"], POST: control((request) => ({ set: securityEvent(state, bodyOf(request), "snake") })) },
    { at: ["/standin/people"], POST: control((request) => putPerson(state, bodyOf(request), "snake")) },
    {
      at: ["/standin/keys"],
      POST: control((request) => ({ kid: rotateKeys(state, bodyOf(request), "snake") })),
    },
    {
      at: ["/standin/log"],
      GET: control(
        (request) => {
          const since = request.query.get("since") ?? "0";
          if (!/^\d{1,15}$/.test(since)) throw new BadInput("since must be the number of a log entry, or 0 for all");
          return state.log.page(Number(since));
        },
        ["since"],
      ),
    },
  ];
}
