import { consentQuestion, grantedBy } from "../pages/consent-question.ts";
import type { ConsentQuestion } from "../pages/consent-question.ts";
import { defined } from "../defined.ts";
import type { Person } from "../state/people.ts";
import type { AuthorizationRequest } from "./authorization-request.ts";
import type { OAuth2State } from "./oauth2-state.ts";
import { isSignInScope } from "./scopes.ts";

/** What comes after a request, or after the person did something on a page. */
export type Next =
  | { readonly show: "chooser" }
  | { readonly show: "consent"; readonly person: Person; readonly question: ConsentQuestion }
  | { readonly answer: Readonly<Record<string, string>>; readonly outcome: string; readonly person?: Person };

function refused(error: string, description: string, person?: Person): Next {
  return defined({ answer: { error, error_description: description }, outcome: error, person });
}

/** The first step of a request: without a hint who signs in, the person chooses an account. */
export function begin(state: OAuth2State, request: AuthorizationRequest): Next {
  const { loginHint, prompt } = request;
  const hinted = loginHint === undefined ? undefined : state.people.find(loginHint);
  const silent = prompt.has("none");
  if (hinted === undefined) {
    return silent ? refused("login_required", "Nobody is signed in, and no page may be shown.") : { show: "chooser" };
  }
  if (prompt.has("select_account") || prompt.has("login")) return { show: "chooser" };
  const next = chosen(state, request, hinted);
  const asks = silent && "show" in next;
  return asks ? refused("consent_required", "The person must consent, and no page may be shown.", hinted) : next;
}

/** The person chose an account. */
export function chosen(state: OAuth2State, request: AuthorizationRequest, person: Person): Next {
  const agreed = state.ledger.authorization(person, request.client.id)?.scopes ?? new Set();
  const question = consentQuestion(request.scopes, agreed, request.prompt.has("consent"), isSignInScope);
  if (question.ask.length > 0) return { show: "consent", person, question };
  return grant(state, request, person, request.scopes);
}

/** The person pressed Continue with these boxes ticked. */
export function allowed(
  state: OAuth2State,
  request: AuthorizationRequest,
  person: Person,
  ticked: readonly string[],
): Next {
  const next = chosen(state, request, person);
  if (!("show" in next) || next.show !== "consent") return next;
  const granted = grantedBy(request.scopes, next.question, ticked);
  return granted.length === 0 ? denied(person) : grant(state, request, person, granted);
}

/** The person pressed Cancel. */
export function denied(person: Person): Next {
  return refused("access_denied", "The person refused.", person);
}

function grant(state: OAuth2State, request: AuthorizationRequest, person: Person, scopes: readonly string[]): Next {
  const { client, challenge, resources } = request;
  const code = state.codes.issue({
    authorization: state.ledger.consent(person, client.id, scopes),
    clientId: client.id,
    scopes,
    redirectUri: request.namesRedirectUri ? request.redirectUri : undefined,
    challenge,
    resources,
  });
  return { answer: { code: code.value }, outcome: "code_issued", person };
}
