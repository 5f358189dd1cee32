import type { Reply } from "../http/messages.ts";
import type { Person } from "../state/people.ts";
import { html } from "./html.ts";
import { page } from "./layout.ts";
import type { Wording } from "../state/wording.ts";
import type { ShownRequest } from "./shown-request.ts";

/** A test may have created thousands of people. Those that are not listed can still be typed in. */
const mostListed = 25;

/** The page that asks for an account: it lists those that exist, and has a field for any other address. */
export function chooserPage(
  wording: Wording,
  request: ShownRequest,
  people: readonly Person[],
  formTarget: string | undefined,
): Reply {
  const known = people.slice(0, mostListed);
  const body = html`
    <header>
      <h1>Choose an account</h1>
      <p>to continue to <strong>${request.client.name}</strong></p>
    </header>
    <ul class="accounts">
      ${known.map(
        (person) => html`
          <li>
            <form method="post" action="/signin/account">
              <input type="hidden" name="request" value="${request.query}" />
              <button class="account" name="email" value="${person.email}">
                <img src="/picture/${person.sub}.svg" alt="" width="40" height="40" />
                <span class="who"
                  ><span class="name">${person.name}</span><span class="email">${person.email}</span></span
                >
              </button>
            </form>
          </li>
        `,
      )}
    </ul>
    <form class="other" method="post" action="/signin/account">
      <input type="hidden" name="request" value="${request.query}" />
      <label for="email">Another account</label>
      <div class="row">
        <input
          id="email"
          type="email"
          name="email"
          autocomplete="off"
          placeholder="someone@example.com"
          value="${request.loginHint?.includes("@") === true ? request.loginHint : ""}"
          required
        />
        <button id="use-another">Next</button>
      </div>
      <p class="hint">You may type any address: the stand-in creates the account when it is first used.</p>
    </form>
  `;
  return page({ wording, title: "Choose an account", body, formTarget, outcome: "chooser_shown" });
}
