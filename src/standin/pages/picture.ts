import type { Reply } from "../http/messages.ts";
import type { Person } from "../state/people.ts";
import { html } from "./html.ts";

/** Dark enough for white letters, by WCAG 2.2's contrast of 4.5. */
const colours = ["#0f766e", "#1d4ed8", "#7c3aed", "#b91c1c", "#a16207", "#15803d", "#be185d", "#0e7490"];

/** Somebody's picture: the first letter in a disc of a colour of their own. */
export function picture(person: Person): Reply {
  const colour = colours[Number((BigInt(person.sub) % 97n) % BigInt(colours.length))] ?? "#1d4ed8";
  const letter = String.fromCodePoint(person.givenName.codePointAt(0) ?? 63).toUpperCase();
  const drawing = html`<svg
    xmlns="http://www.w3.org/2000/svg"
    viewBox="0 0 96 96"
    width="96"
    height="96"
    role="img"
    aria-label="${person.name}"
  >
    <circle cx="48" cy="48" r="48" fill="${colour}" />
    <text x="48" y="64" text-anchor="middle" font-family="system-ui, sans-serif" font-size="46" fill="#fff">
      ${letter}
    </text>
  </svg>`;
  return {
    status: 200,
    headers: {
      "content-type": "image/svg+xml; charset=utf-8",
      "cache-control": "public, max-age=300",
      "content-security-policy": "default-src 'none'",
      "cross-origin-resource-policy": "cross-origin",
      "access-control-allow-origin": "*",
    },
    body: drawing.markup,
    note: { outcome: "served" },
  };
}
