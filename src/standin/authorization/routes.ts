import type { Incoming, Reply } from "../http/messages.ts";
import { chooserPage } from "../pages/chooser.ts";
import { consentPage } from "../pages/consent.ts";
import { formTargetOf } from "../pages/layout.ts";
import { refusedPage } from "../pages/refusal.ts";
import { relayPage } from "../pages/relay.ts";
import type { Person } from "../state/people.ts";
import type { Route } from "../http/router.ts";
import type { StandinState } from "../state/standin-state.ts";
import { allowed, begin, chosen, denied } from "./flow.ts";
import type { Next } from "./flow.ts";
import { judge } from "./request.ts";
import type { AuthorizationRequest, Destination } from "./request.ts";

/** The authorization endpoint and the two forms behind it. */
export function authorizationRoutes(world: StandinState): Route[] {
  return [
    {
      at: ["/o/oauth2/v2/auth", "/o/oauth2/auth"],
      GET: ({ query }) => judged(world, query.toString(), (request) => begin(world, request)),
      POST: ({ body }) => judged(world, body.toString(), (request) => begin(world, request)),
    },
    {
      at: ["/signin/account"],
      POST: (incoming) => withPerson(world, incoming, (request, person) => chosen(world, request, person)),
    },
    {
      at: ["/signin/consent"],
      POST: (incoming) =>
        withPerson(world, incoming, (request, person, form) =>
          form.get("decision") === "allow" ? allowed(world, request, person, form.getAll("scope")) : denied(person),
        ),
    },
  ];
}

function withPerson(
  world: StandinState,
  incoming: Incoming,
  step: (request: AuthorizationRequest, person: Person, form: URLSearchParams) => Next,
): Reply {
  const form = new URLSearchParams(incoming.body.toString());
  const email = form.get("email") ?? "";
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) return refusedPage("invalid_request", "That is not an e-mail address.");
  return judged(world, form.get("request") ?? "", (request) => step(request, world.people.findOrCreate(email), form));
}

function judged(world: StandinState, query: string, step: (request: AuthorizationRequest) => Next): Reply {
  const verdict = judge(world, query);
  if ("page" in verdict) return refusedPage(verdict.page.error, verdict.page.description);
  if ("error" in verdict) {
    const { error, description, destination, state } = verdict;
    return sent(world, destination, state, { error, error_description: description }, { outcome: error });
  }
  const { request } = verdict;
  return shown(world, request, step(request));
}

function shown(world: StandinState, request: AuthorizationRequest, next: Next): Reply {
  const { destination } = request;
  const formTarget = destination.kind === "redirect" ? formTargetOf(destination.redirectUri) : undefined;
  if ("answer" in next) {
    const note = { outcome: next.outcome, clientId: request.client.id };
    return sent(world, destination, request.state, next.answer, {
      ...note,
      ...(next.person === undefined ? {} : { grant: next.person.email }),
    });
  }
  if (next.show === "chooser") return chooserPage(request, world.people.all(), formTarget);
  return consentPage(request, next.person, next.question, formTarget);
}

/** RFC 6749 section 4.1.2; `iss` by RFC 9207, so that a client that talks to several issuers knows whose answer it is. */
function sent(
  world: StandinState,
  destination: Destination,
  state: string | undefined,
  answer: Readonly<Record<string, string>>,
  note: { outcome: string; grant?: string },
): Reply {
  const whole = { ...(state === undefined ? {} : { state }), iss: world.issuer, ...answer };
  if (destination.kind === "popup") return relayPage(destination, whole, note);
  const location = new URL(destination.redirectUri);
  for (const [name, value] of Object.entries(whole)) location.searchParams.append(name, value);
  return { status: 303, headers: { location: location.href, "cache-control": "no-store" }, note };
}
