/**
 * What a test does to the stand-in for Google besides what it does to one of any kind. Google has none of this. Whatever
 * an app or a person can do at Google belongs to the other folders.
 */

import {
  changePassword,
  changeSettings,
  clientSecretFile,
  putClient,
  putPerson,
  rotateKeys,
  viewOf,
} from "./control-actions.ts";
import { bodyOf, control, snakeCased } from "../../control/control-handler.ts";
import { issueCode } from "./issued-code.ts";
import { securityEvent } from "./risc.ts";
import { sharedControlRoutes } from "../../control/shared-routes.ts";
import type { Route } from "../../http/router.ts";
import type { GoogleState } from "../state/google-state.ts";

/** `/standin/…`: the JavaScript interface over HTTP, for tests in any language. */
export function controlRoutes(state: GoogleState): Route[] {
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
    {
      // The same, sent to whoever is registered.
      at: ["/standin/risc/deliver"],
      POST: control((request) => {
        state.risc.deliver(securityEvent(state, bodyOf(request), "snake"));
        return {};
      }),
    },
    { at: ["/standin/people"], POST: control((request) => putPerson(state, bodyOf(request), "snake")) },
    {
      at: ["/standin/keys"],
      POST: control((request) => ({ kid: rotateKeys(state, bodyOf(request), "snake") })),
    },
  ];
}
