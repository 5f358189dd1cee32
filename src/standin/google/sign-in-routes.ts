/**
 * The authorization endpoint: which request is refused, which page the person sees next, and where the answer goes.
 * The markup of those pages is in `pages/`; the code that comes out is exchanged in `oauth/`.
 */

import { defined } from "../defined.ts";
import type { Incoming, Reply } from "../http/messages.ts";
import { chooserPage } from "../pages/chooser.ts";
import { consentPage } from "../pages/consent.ts";
import { formTargetOf } from "../pages/layout.ts";
import { refusedPage } from "../pages/refusal.ts";
import { relayPage } from "./pages/relay.ts";
import type { Person } from "../state/people.ts";
import type { Route } from "../http/router.ts";
import type { GoogleState } from "./state/google-state.ts";
import { allowed, begin, chosen, denied } from "./authorization/flow.ts";
import type { Next } from "./authorization/flow.ts";
import { checkRequest } from "./authorization/request.ts";
import type { AuthorizationRequest } from "./authorization/request.ts";

/** The authorization endpoint and the two forms behind it. */
export function authorizationRoutes(state: GoogleState): Route[] {
  return [
    {
      at: ["/o/oauth2/v2/auth", "/o/oauth2/auth"],
      GET: ({ query }) => replyAfterCheck(state, query.toString(), (request) => begin(state, request)),
      POST: ({ body }) => replyAfterCheck(state, body.toString(), (request) => begin(state, request)),
    },
    {
      at: ["/signin/account"],
      POST: (incoming) => withPerson(state, incoming, (request, person) => chosen(state, request, person)),
    },
    {
      at: ["/signin/consent"],
      POST: (incoming) =>
        withPerson(state, incoming, (request, person, form) =>
          form.get("decision") === "allow" ? allowed(state, request, person, form.getAll("scope")) : denied(person),
        ),
    },
  ];
}

function withPerson(
  state: GoogleState,
  incoming: Incoming,
  step: (request: AuthorizationRequest, person: Person, form: URLSearchParams) => Next,
): Reply {
  const form = new URLSearchParams(incoming.body.toString());
  const email = form.get("email") ?? "";
  if (!/^[^\s@]+@[^\s@]+$/.test(email))
    return refusedPage(state.wording, "invalid_request", "The address must be an e-mail address.");
  return replyAfterCheck(state, form.get("request") ?? "", (request) =>
    step(request, state.people.findOrCreate(email), form),
  );
}

function replyAfterCheck(state: GoogleState, query: string, step: (request: AuthorizationRequest) => Next): Reply {
  const verdict = checkRequest(state, query);
  if ("page" in verdict) return refusedPage(state.wording, verdict.page.error, verdict.page.description);
  if ("error" in verdict) {
    const { error, description } = verdict;
    return answerReply(state, verdict, { error, error_description: description }, { outcome: error });
  }
  const { request } = verdict;
  return nextReply(state, request, step(request));
}

function nextReply(state: GoogleState, request: AuthorizationRequest, next: Next): Reply {
  const { destination } = request;
  const formTarget = destination.kind === "redirect" ? formTargetOf(destination.redirectUri) : undefined;
  if ("answer" in next) {
    const note = defined({ outcome: next.outcome, clientId: request.client.id, grant: next.person?.email });
    return answerReply(state, request, next.answer, note);
  }
  if (next.show === "chooser") return chooserPage(state.wording, request, peopleOf(state, request.hd), formTarget);
  return consentPage(state.wording, request, next.person, next.question, formTarget);
}

/** The people of a Workspace domain; of any, for `*`. */
function peopleOf(state: GoogleState, domain: string | undefined): Person[] {
  const fits = ({ hd }: Person): boolean => (domain === "*" ? hd !== undefined : hd === domain);
  return domain === undefined ? state.people.all() : state.people.all().filter(fits);
}

/** Sends the answer to the app (RFC 6749 section 4.1.2), with `iss` (RFC 9207): it tells the app which issuer answered. */
function answerReply(
  state: GoogleState,
  { destination, state: echoed }: Pick<AuthorizationRequest, "destination" | "state">,
  answer: Readonly<Record<string, string>>,
  note: { outcome: string; grant?: string },
): Reply {
  const parameters = { ...defined({ state: echoed }), iss: state.issuer, ...answer };
  if (destination.kind === "popup") return relayPage(state.wording, destination, parameters, note);
  const location = new URL(destination.redirectUri);
  for (const [name, value] of Object.entries(parameters)) location.searchParams.append(name, value);
  return { status: 303, headers: { location: location.href, "cache-control": "no-store" }, note };
}
