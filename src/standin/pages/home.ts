import { defaultClientId } from "../state/clients.ts";
import type { Reply } from "../http/messages.ts";
import type { StandinState } from "../state/standin-state.ts";
import { html } from "./html.ts";
import { page } from "./layout.ts";

/** What somebody sees who opens the stand-in's address: that it runs, and where to go on. */
export function homePage(state: StandinState): Reply {
  const body = html`
    <header>
      <h1>It is running</h1>
      <p>Google's paths are served under <strong>${state.url}</strong></p>
    </header>
    <dl>
      <dt>Client</dt>
      <dd>${defaultClientId}</dd>
      <dt>Its time</dt>
      <dd>${new Date(state.clock.now()).toISOString()}</dd>
    </dl>
    <ul class="plain">
      <li><a href="/account/access">Apps with access</a>: where people take it back</li>
      <li><a href="/standin/log">Log</a>: every request it answered</li>
      <li><a href="/standin/settings">Settings</a> and <a href="/standin/clients">clients</a></li>
      <li><a href="/.well-known/openid-configuration">Discovery document</a></li>
    </ul>
  `;
  return page({ title: "Stand-in for Google", body, outcome: "served" });
}
