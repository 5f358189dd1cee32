/**
 * The pages that the stand-in shows to people, and the files that they load.
 * A page shows what it is given: which page comes when, and what it says, each kind decides.
 */

import type { Reply } from "../http/messages.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import type { Wording } from "../state/wording.ts";

interface Page {
  readonly wording: Wording;
  readonly title: string;
  readonly body: Html;
  readonly status?: number;
  /**
   * Where the page's forms lead besides here. Chromium holds every redirect after a form to the policy, not only the first:
   * an app's callback that sends people on to its other origin would be cut off, which Google does not do.
   */
  readonly formTarget?: string | undefined;
  readonly outcome: string;
  readonly grant?: string;
  readonly script?: string;
}

/** One page of the stand-in: plain forms, our own style, and a line that says what this is. */
export function page({ wording, title, body, status = 200, formTarget, outcome, grant, script }: Page): Reply {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    "script-src 'self'",
    `form-action 'self'${formTarget === undefined ? "" : ` http: https: ${formTarget}`}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join("; ");
  const markup = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="/pages/mark.svg" />
        <link rel="stylesheet" href="/pages/pages.css" />
        ${script === undefined ? "" : html`<script src="${script}" defer></script>`}
      </head>
      <body>
        <main class="card">
          <p class="badge"><img src="/pages/mark.svg" alt="" width="20" height="20" />${wording.standIn}</p>
          ${body}
        </main>
        <footer class="notice">${wording.notice}</footer>
      </body>
    </html> `;
  return {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
    body: markup.markup,
    note: { outcome, grant },
  };
}

/** The source of a redirect URI, as `form-action` names it. */
export function formTargetOf(uri: string): string | undefined {
  if (!URL.canParse(uri)) return undefined;
  const url = new URL(uri);
  return url.origin === "null" ? url.protocol : url.origin;
}
