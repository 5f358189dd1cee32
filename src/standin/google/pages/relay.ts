import type { Reply } from "../../http/messages.ts";
import { html } from "../../pages/html.ts";
import { page } from "../../pages/layout.ts";
import type { Wording } from "../../state/wording.ts";

/** The end of a popup: its script hands the answer to the page that opened it, and to no other origin. */
export function relayPage(
  wording: Wording,
  to: { readonly origin: string; readonly id: string },
  answer: Readonly<Record<string, string>>,
  note: { readonly outcome: string; readonly grant?: string },
): Reply {
  const body = html`
    <header>
      <h1>You can close this window</h1>
      <p>The window closes by itself as soon as the page that opened it has the answer.</p>
    </header>
    <div id="relay" data-origin="${to.origin}" data-id="${to.id}" data-answer="${JSON.stringify(answer)}"></div>
    <noscript
      ><p class="error">This window needs JavaScript to hand the answer to the page that opened it.</p></noscript
    >
  `;
  return page({ wording, title: "Signed in", body, script: "/pages/relay-script.js", ...note });
}
