import type { Reply } from "../http/messages.ts";
import { html } from "./html.ts";
import { page } from "./layout.ts";
import type { Wording } from "../state/wording.ts";

/** The page for a request whose redirect URI cannot be trusted, so that the app cannot be told of the error. */
export function refusedPage(wording: Wording, error: string, description: string): Reply {
  const body = html`
    <header>
      <h1>Access blocked: this app's request is invalid</h1>
      <p>You cannot sign in, because this app sent a request that is not valid.</p>
    </header>
    <p class="error"><strong>Error 400: ${error}</strong></p>
    <p class="hint">${description}</p>
  `;
  return page({ wording, title: `Error 400: ${error}`, body, status: 400, outcome: error });
}
