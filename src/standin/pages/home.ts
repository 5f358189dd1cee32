import { defaultClientId } from "../state/clients.ts";
import type { Reply } from "../http/messages.ts";
import type { StandinState } from "../state/standin-state.ts";
import { html } from "./html.ts";
import { page } from "./layout.ts";

/** The page at the stand-in's address: it says that the stand-in runs, and what there is. */
export function homePage(state: StandinState): Reply {
  const body = html`
    <header>
      <h1>The stand-in is running</h1>
      <p>It serves Google's paths under <strong>${state.url}</strong></p>
    </header>
    <dl>
      <dt>Client</dt>
      <dd>${defaultClientId}</dd>
      <dt>Its time</dt>
      <dd>${new Date(state.clock.now()).toISOString()}</dd>
    </dl>
    <ul class="plain">
      <li><a href="/account/access">Apps with access</a>: where people remove an app</li>
      <li><a href="/standin/log">Log</a>: every request that the stand-in answered</li>
      <li><a href="/standin/settings">Settings</a> and <a href="/standin/clients">clients</a></li>
      <li><a href="/.well-known/openid-configuration">Discovery document</a></li>
    </ul>
  `;
  return page({ title: "Stand-in for Google", body, outcome: "served" });
}
