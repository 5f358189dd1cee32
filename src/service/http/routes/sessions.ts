/** The routes by which a caller makes, lists and ends its sessions. */
import type { CreateSessionOptions } from "../../../index.ts";
import { defined } from "../../../core/defined.ts";
import { invalidRequest } from "../../../core/errors.ts";
import { isSelector, selectorForms } from "../../../core/reach.ts";
import { sessionSeconds } from "../../../core/session.ts";
import { scopesIn } from "../../../vault/http/authcode-handler.ts";
import type { Parameters } from "../../../vault/http/parameters.ts";
import { readParameters } from "../../../vault/http/request-body.ts";
import { sessionBody, wholeNumber } from "../json-bodies.ts";
import { queryOf } from "../query.ts";
import { created, json } from "./router.ts";
import type { Router } from "./router.ts";

export function sessionRoutes({ forCallers }: Router): void {
  forCallers("/v1/sessions", {
    POST: [
      "sessions",
      async (context, view) => {
        const { session, key } = await view.sessions.create(sessionOptions(await readParameters(context.req.raw)));
        return created({ ...sessionBody(session), key: key.expose() });
      },
    ],
    GET: [
      "sessions",
      async (context, view) => {
        const query = queryOf(context);
        const limit = wholeNumber("limit", query.get("limit"), 1, 500);
        const { sessions, cursor } = await view.sessions.list(defined({ limit, cursor: query.get("cursor") }));
        return json({ sessions: sessions.map(sessionBody), cursor });
      },
    ],
  });
  forCallers("/v1/sessions/:session_id", {
    DELETE: [
      "sessions",
      async (context, view) => {
        const sessionId = context.req.param("session_id") ?? "";
        await view.sessions.revoke(sessionId);
        return json({ session_id: sessionId, ended: true });
      },
    ],
  });
}

/** What a request says of a new session. */
export function sessionOptions(parameters: Parameters): CreateSessionOptions {
  const needed = (name: string, hint: string): readonly string[] => {
    const list = parameters.list(name);
    if (list !== undefined && list.length > 0) return list;
    throw invalidRequest(`${name} must be sent, with one entry at least`, hint, name);
  };
  const allow = needed(
    "allow",
    "send the permissions that the session needs, such as token",
  ) as CreateSessionOptions["allow"];
  const grants = needed("grants", `send selectors: ${selectorForms}`);
  if (!grants.every(isSelector)) {
    throw invalidRequest(
      "grants must be a list of selectors",
      `use ${selectorForms}; a star stands at the end`,
      "grants",
    );
  }
  const { least, most } = sessionSeconds;
  const expiresInSeconds = parameters.wholeNumber("expires_in", least, most);
  return {
    allow,
    grants,
    ...defined({ providers: parameters.list("providers"), scopes: scopesIn(parameters), expiresInSeconds }),
  };
}
