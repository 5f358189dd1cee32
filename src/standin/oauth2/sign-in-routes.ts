/**
 * The authorization endpoint and the forms behind it. The pages are those that all kinds share; which page comes when is
 * decided in sign-in-flow.ts.
 */

import { defined } from "../defined.ts";
import type { Incoming, Note, Reply } from "../http/messages.ts";
import { plainDescription } from "../http/oauth-form.ts";
import type { Route } from "../http/router.ts";
import { chooserPage } from "../pages/chooser.ts";
import { consentPage } from "../pages/consent.ts";
import { formTargetOf } from "../pages/layout.ts";
import { refusedPage } from "../pages/refusal.ts";
import type { Person } from "../state/people.ts";
import { checkRequest } from "./authorization-request.ts";
import type { AuthorizationRequest } from "./authorization-request.ts";
import { fetchClient } from "./fetch-client.ts";
import type { OAuth2State } from "./oauth2-state.ts";
import { allowed, begin, chosen, denied } from "./sign-in-flow.ts";
import type { Next } from "./sign-in-flow.ts";

/** `/authorize`, and the two forms behind it. */
export function signInRoutes(state: OAuth2State): Route[] {
  const first = (query: string): Reply => replyAfterCheck(state, query, (request) => begin(state, request));
  const prepare = (incoming: Incoming): Promise<void> => fetchClient(state, incoming);
  return [
    {
      at: ["/authorize"],
      prepare,
      GET: ({ query }) => first(query.toString()),
      POST: ({ body }) => first(body.toString()),
    },
    {
      at: ["/signin/account"],
      prepare,
      POST: (incoming) => withPerson(state, incoming, (request, person) => chosen(state, request, person)),
    },
    {
      at: ["/signin/consent"],
      prepare,
      POST: (incoming) =>
        withPerson(state, incoming, (request, person, form) =>
          form.get("decision") === "allow" ? allowed(state, request, person, form.getAll("scope")) : denied(person),
        ),
    },
  ];
}

function withPerson(
  state: OAuth2State,
  incoming: Incoming,
  step: (request: AuthorizationRequest, person: Person, form: URLSearchParams) => Next,
): Reply {
  const form = new URLSearchParams(incoming.body.toString());
  const email = form.get("email") ?? "";
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) {
    return refusedPage(state.wording, "invalid_request", "The address must be an e-mail address.");
  }
  return replyAfterCheck(state, form.get("request") ?? "", (request) =>
    step(request, state.people.findOrCreate(email), form),
  );
}

function replyAfterCheck(state: OAuth2State, query: string, step: (request: AuthorizationRequest) => Next): Reply {
  const verdict = checkRequest(state, query);
  if ("page" in verdict) return refusedPage(state.wording, verdict.page.error, verdict.page.description);
  if ("error" in verdict) {
    const { error, description } = verdict;
    const answer = { error, error_description: plainDescription(description) };
    return redirect(state, verdict, answer, { outcome: error });
  }
  const { request } = verdict;
  const next = step(request);
  if ("answer" in next) {
    const note = { outcome: next.outcome, clientId: request.client.id, grant: next.person?.email };
    return redirect(state, request, next.answer, note);
  }
  const formTarget = formTargetOf(request.redirectUri);
  if (next.show === "chooser") return chooserPage(state.wording, request, state.people.all(), formTarget);
  return consentPage(state.wording, request, next.person, next.question, formTarget);
}

/** Sends the answer to the app (RFC 6749 section 4.1.2); with `iss` (RFC 9207) where the settings say so. */
function redirect(
  state: OAuth2State,
  { redirectUri, state: echoed }: Pick<AuthorizationRequest, "redirectUri" | "state">,
  answer: Readonly<Record<string, string>>,
  note: Note,
): Reply {
  const { redirectIss } = state.settings;
  const iss = redirectIss === "right" ? state.issuer : redirectIss === "absent" ? undefined : redirectIss;
  const location = new URL(redirectUri).href;
  const parameters = new URLSearchParams(defined({ ...answer, state: echoed, iss }));
  // Its own query is kept as it is written (RFC 6749 section 3.1.2): to read and write it again could change it.
  const joint = location.includes("?") ? "&" : "?";
  const headers = { location: `${location}${joint}${parameters.toString()}`, "cache-control": "no-store" };
  return { status: 303, headers, note };
}
