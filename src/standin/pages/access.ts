import type { Incoming, Reply } from "../http/messages.ts";
import type { Authorization } from "../state/ledger.ts";
import type { Person } from "../state/people.ts";
import type { StandinState } from "../state/standin-state.ts";
import { html, nothing } from "./html.ts";
import type { Html } from "./html.ts";
import { page } from "./layout.ts";

/** The apps that people gave access to, with a button to take it back: where a person removes an app. */
export function accessPage(state: StandinState): Reply {
  const connected = state.people
    .all()
    .map((person) => ({ person, given: state.ledger.authorizationsOf(person) }))
    .filter(({ given }) => given.length > 0);
  const body = html`
    <header>
      <h1>Apps with access</h1>
      <p>What people have allowed. Remove an app here to end its access.</p>
    </header>
    ${connected.length === 0 ? html`<p class="hint">No app has access yet.</p>` : nothing}
    ${connected.map(({ person, given }) => html`${given.map((one) => connection(state, person, one))}`)}
  `;
  return page({ wording: state.wording, title: "Apps with access", body, formTarget: undefined, outcome: "served" });
}

function connection(state: StandinState, person: Person, authorization: Authorization): Html {
  const { wording } = state;
  const scopes = [...authorization.scopes].filter((scope) => !wording.isSignInScope(scope));
  return html`
    <section class="connection">
      <p class="chip">
        <img src="/picture/${person.sub}.svg" alt="" width="24" height="24" />
        <span>${person.email}</span>
      </p>
      <h2>${wording.appName(authorization.project)}</h2>
      <ul class="plain">
        <li>Who you are</li>
        ${scopes.map((scope) => html`<li>${wording.describeScope(scope)}</li>`)}
      </ul>
      <form method="post" action="/account/access">
        <input type="hidden" name="email" value="${person.email}" />
        <input type="hidden" name="project" value="${authorization.project}" />
        <button class="quiet">Remove access</button>
      </form>
    </section>
  `;
}

/** Removes the app, and shows what is left. */
export function removeAccess(state: StandinState, request: Incoming): Reply {
  const form = new URLSearchParams(request.body.toString());
  const person = state.people.find(form.get("email") ?? "");
  if (person !== undefined) {
    for (const authorization of state.ledger.authorizationsOf(person, form.get("project") ?? "")) {
      state.ledger.end(authorization);
    }
  }
  const note = { outcome: "access_removed", grant: person?.email };
  return { status: 303, headers: { location: "/account/access" }, note };
}
