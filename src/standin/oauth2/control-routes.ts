import { bodyOf, control, snakeCased } from "../control/control-handler.ts";
import { sharedControlRoutes } from "../control/shared-routes.ts";
import type { Route } from "../http/router.ts";
import { changeSettings, issueCode, putClient, putPerson, viewOf } from "./control-actions.ts";
import type { OAuth2State } from "./oauth2-state.ts";

/** `/standin/…` of the kinds `oauth2` and `mcp`. */
export function oauth2ControlRoutes(state: OAuth2State): Route[] {
  const settings = {
    all: () => state.settings,
    change: (input: unknown) => {
      changeSettings(state, input, "snake");
    },
  };
  return [
    ...sharedControlRoutes(state, settings),
    { at: ["/standin/code"], POST: control((request) => issueCode(state, bodyOf(request), "snake")) },
    {
      at: ["/standin/clients"],
      GET: control(() => ({ clients: state.clients.all().map(viewOf).map(snakeCased) })),
      POST: control((request) => snakeCased(putClient(state, bodyOf(request), "snake"))),
    },
    { at: ["/standin/people"], POST: control((request) => putPerson(state, bodyOf(request), "snake")) },
  ];
}
