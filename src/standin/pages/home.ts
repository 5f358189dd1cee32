import type { Reply } from "../http/messages.ts";
import type { StandinState } from "../state/standin-state.ts";
import { html } from "./html.ts";
import { page } from "./layout.ts";

/** What the home page of one kind shows. */
export interface Shown {
  /** What is served there: `Google's paths`. */
  readonly serves: string;
  readonly clientId: string;
  /** Path and name of the document that clients begin with. */
  readonly document: readonly [path: string, name: string];
}

/** The page at the stand-in's address: it says that the stand-in runs, and what there is. */
export function homePage(state: StandinState, { serves, clientId, document: [path, name] }: Shown): Reply {
  const { wording } = state;
  const body = html`
    <header>
      <h1>The stand-in is running</h1>
      <p>It serves ${serves} under <strong>${state.url}</strong></p>
    </header>
    <dl>
      <dt>Client</dt>
      <dd>${clientId}</dd>
      <dt>Its time</dt>
      <dd>${new Date(state.clock.now()).toISOString()}</dd>
    </dl>
    <ul class="plain">
      <li><a href="/account/access">Apps with access</a>: where people remove an app</li>
      <li><a href="/standin/log">Log</a>: every request that the stand-in answered</li>
      <li><a href="/standin/settings">Settings</a> and <a href="/standin/clients">clients</a></li>
      <li><a href="${path}">${name}</a></li>
    </ul>
  `;
  return page({ wording, title: wording.standIn, body, outcome: "served" });
}
