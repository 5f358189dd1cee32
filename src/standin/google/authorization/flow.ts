import { defined } from "../../defined.ts";
import type { Person } from "../../state/people.ts";
import type { GoogleState } from "../state/google-state.ts";
import { isSignInScope } from "../state/scopes.ts";
import { consentQuestion, grantedBy } from "../../pages/consent-question.ts";
import type { ConsentQuestion } from "../../pages/consent-question.ts";
import type { AuthorizationRequest } from "./request.ts";

/** What comes after a request, or after the person did something on a page. */
export type Next =
  | { readonly show: "chooser" }
  | { readonly show: "consent"; readonly person: Person; readonly question: ConsentQuestion }
  | { readonly answer: Readonly<Record<string, string>>; readonly outcome: string; readonly person?: Person };

function refused(error: string, person?: Person): Next {
  return defined({ answer: { error }, outcome: error, person });
}

function agreedTo(state: GoogleState, request: AuthorizationRequest, person: Person): ReadonlySet<string> {
  return state.ledger.authorization(person, request.client.project)?.scopes ?? new Set();
}

/** The first step of a request: without a hint who signs in, the person chooses an account. */
export function begin(state: GoogleState, request: AuthorizationRequest): Next {
  const hinted = request.loginHint === undefined ? undefined : state.people.find(request.loginHint);
  const silent = request.prompt.has("none");
  if (hinted === undefined) return silent ? refused("login_required") : { show: "chooser" };
  if (request.prompt.has("select_account")) return { show: "chooser" };
  const next = chosen(state, request, hinted);
  return silent && "show" in next ? refused("consent_required", hinted) : next;
}

/** The person chose an account. */
export function chosen(state: GoogleState, request: AuthorizationRequest, person: Person): Next {
  if (state.settings.refusal === "admin_policy_enforced" || person.refusal === "admin_policy_enforced") {
    return refused("admin_policy_enforced", person);
  }
  if (request.client.onlyDomain !== undefined && person.hd !== request.client.onlyDomain) {
    return refused("org_internal", person);
  }
  const agreed = agreedTo(state, request, person);
  const question = consentQuestion(request.scopes, agreed, request.prompt.has("consent"), isSignInScope);
  if (question.ask.length > 0) return { show: "consent", person, question };
  return grant(state, request, person, request.scopes, false);
}

/** The person pressed Continue with these boxes ticked. */
export function allowed(
  state: GoogleState,
  request: AuthorizationRequest,
  person: Person,
  ticked: readonly string[],
): Next {
  const next = chosen(state, request, person);
  if (!("show" in next) || next.show !== "consent") return next;
  const granted = grantedBy(request.scopes, next.question, ticked);
  return granted.length === 0 ? denied(person) : grant(state, request, person, granted, true);
}

export function denied(person: Person): Next {
  return refused("access_denied", person);
}

function grant(
  state: GoogleState,
  request: AuthorizationRequest,
  person: Person,
  granted: readonly string[],
  consentShown: boolean,
): Next {
  const { client, destination } = request;
  const before = agreedTo(state, request, person);
  const scopes = request.includeGrantedScopes ? [...new Set([...granted, ...before])] : granted;
  const code = state.codes.issue({
    kind: destination.kind,
    authorization: state.ledger.consent(person, client.project, granted),
    clientId: client.id,
    azp: client.id,
    scopes,
    redirectUri: destination.kind === "redirect" ? destination.redirectUri : undefined,
    origin: destination.kind === "popup" ? destination.origin : undefined,
    nonce: request.nonce,
    challenge: request.challenge,
    offline: consentShown && request.offline ? "always" : "never",
  });
  const answer: Record<string, string> = {
    code: code.value,
    scope: scopes.join(" "),
    authuser: "0",
    prompt: consentShown ? "consent" : "none",
  };
  if (person.hd !== undefined) answer["hd"] = person.hd;
  return { answer, outcome: "code_issued", person };
}
