import type { ConsentQuestion } from "./consent-question.ts";
import type { Reply } from "../http/messages.ts";
import type { Person } from "../state/people.ts";
import { html, nothing } from "./html.ts";
import type { Html } from "./html.ts";
import { page } from "./layout.ts";
import type { Wording } from "../state/wording.ts";
import type { ShownRequest } from "./shown-request.ts";

/** The page that asks for consent, with a tick box for each scope beyond sign-in, where Google would show them. */
export function consentPage(
  wording: Wording,
  request: ShownRequest,
  person: Person,
  question: ConsentQuestion,
  formTarget: string | undefined,
): Reply {
  const { client } = request;
  const without = question.ask.filter((scope) => !question.boxes.includes(scope));
  const plain = without.filter((scope) => !wording.isSignInScope(scope));
  const body = html`
    <header>
      <h1><strong>${client.name}</strong> wants access to your account</h1>
      <p class="chip">
        <img src="/picture/${person.sub}.svg" alt="" width="24" height="24" />
        <span>${person.email}</span>
      </p>
    </header>
    ${question.hasSome ? html`<p class="hint">${client.name} already has some access. It now asks for:</p>` : nothing}
    <form method="post" action="/signin/consent">
      <input type="hidden" name="request" value="${request.query}" />
      <input type="hidden" name="email" value="${person.email}" />
      ${signInPart(wording, client.name, without)}
      ${
        plain.length === 0
          ? nothing
          : html`<ul class="scopes">
              ${plain.map((scope) => html`<li><span>${wording.describeScope(scope)}</span></li>`)}
            </ul>`
      }
      ${boxes(wording, client.name, question.boxes)}
      <div class="actions">
        <button id="deny" class="quiet" name="decision" value="deny">Cancel</button>
        <button id="allow" name="decision" value="allow">Continue</button>
      </div>
    </form>
  `;
  return page({
    wording,
    title: `${client.name} wants access`,
    body,
    formTarget,
    outcome: "consent_shown",
    grant: person.email,
  });
}

function signInPart(wording: Wording, app: string, scopes: readonly string[]): Html {
  if (!scopes.some((scope) => wording.isSignInScope(scope))) return nothing;
  return html`<p class="signin">${app} will be able to see <strong>${wording.whatSignInShows(scopes)}</strong>.</p>`;
}

function boxes(wording: Wording, app: string, scopes: readonly string[]): Html {
  if (scopes.length === 0) return nothing;
  return html`
    <fieldset>
      <legend>Select what ${app} can access</legend>
      <ul class="scopes">
        ${scopes.map(
          (scope, index) => html`
            <li>
              <label for="scope-${index}">
                <span>${wording.describeScope(scope)}<small>${wording.shortScope(scope)}</small></span>
                <input id="scope-${index}" type="checkbox" name="scope" value="${scope}" checked />
              </label>
            </li>
          `,
        )}
      </ul>
    </fieldset>
  `;
}
