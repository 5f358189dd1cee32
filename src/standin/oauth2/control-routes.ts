import { bodyOf, control, snakeCased } from "../control/control-handler.ts";
import { sharedControlRoutes } from "../control/shared-routes.ts";
import type { Route } from "../http/router.ts";
import { changeSettings, issueCode, putClient, putPerson, viewOf } from "./control-actions.ts";
import { ssfEvent } from "./security-event.ts";
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
    { at: ["/standin/ssf"], POST: control((request) => ({ set: ssfEvent(state, bodyOf(request), "snake") })) },
    {
      // The same, sent to whoever has a stream.
      at: ["/standin/ssf/deliver"],
      POST: control((request) => {
        state.ssf.deliver(ssfEvent(state, bodyOf(request), "snake"));
        return {};
      }),
    },
    {
      // As the transmitter's console would show it.
      at: ["/standin/ssf_token"],
      GET: () => ({
        status: 200,
        headers: { "content-type": "text/plain; charset=utf-8" },
        body: `${state.ssf.token}\n`,
      }),
    },
    { at: ["/standin/people"], POST: control((request) => putPerson(state, bodyOf(request), "snake")) },
  ];
}
