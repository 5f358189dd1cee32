// The timeline: every request and event, newest first, and the same as short lists beside the acts.
import { byId, element, say } from "./dom.js";
import { clockTime, count } from "./format.js";
import { meaningOf } from "./wire-words.js";

const names = {
  phone: "phone",
  server: "server",
  vault: "vault",
  person: "person",
  demo: "demo",
  program: "program",
  google: "Google",
};
/** Rows kept on the page, and lines beside an act. */
const kept = 200;
const lines = 12;

const tally = { refreshes: 0, exchanges: 0, calls: 0 };

export function addToTimeline(entries) {
  if (entries.length === 0) return;
  byId("silence").hidden = true;
  byId("scroll").hidden = false;
  const body = byId("timeline");
  for (const entry of entries) {
    countIn(entry);
    body.prepend(row(entry));
  }
  while (body.rows.length > kept) body.deleteRow(-1);
  say(
    "tally",
    [
      count(tally.exchanges, "code exchanged", "codes exchanged"),
      count(tally.refreshes, "refresh", "refreshes"),
      count(tally.calls, "call to Drive", "calls to Drive"),
    ].join(" · "),
  );
}

function countIn({ what, outcome, with: sent }) {
  if (outcome === "refreshed") tally.refreshes += 1;
  if (what === "POST /token" && outcome !== undefined && sent.includes("grant_type=authorization_code"))
    tally.exchanges += 1;
  if (/ \/(?:upload\/)?drive\//.test(what)) tally.calls += 1;
}

/** What was sent in an act, in the order it was, each with what it means. */
export function wireList(entries) {
  const told = entries.filter(isWire);
  const cut = told.length - lines;
  return element(
    "ul",
    { class: "wire" },
    ...told
      .slice(0, lines)
      .map((entry) =>
        element(
          "li",
          {},
          element("span", { class: "wire-line" }, who(entry), " ", whatOf(entry), " ", status(entry)),
          meaning(entry),
        ),
      ),
    cut > 0 ? element("li", { class: "small" }, `and ${cut} more: all of them are listed below`) : undefined,
  );
}

function row(entry) {
  return element(
    "tr",
    hasFailed(entry) ? { class: "failed" } : {},
    element("td", { class: "at" }, clockTime(new Date(entry.at))),
    element("td", { class: "who" }, who(entry)),
    element("td", { class: "what" }, whatOf(entry), ...entry.with.map(parameter), meaning(entry)),
    element("td", { class: "outcome" }, status(entry)),
  );
}

function isWire({ kind }) {
  return kind === "request" || kind === "call" || kind === "refused" || kind === "authcode";
}

function hasFailed({ status: code }) {
  return code !== undefined && (code === 0 || code >= 400);
}

function who({ from, to }) {
  return element(
    "span",
    { class: "who-text" },
    names[from],
    ...(to === undefined || to === from ? [] : [element("span", { class: "arrow" }, " → "), names[to]]),
  );
}

function whatOf({ kind, what, times = 1 }) {
  return element("code", isWire({ kind }) ? {} : { class: "told" }, times > 1 ? `${times} × ${what}` : what);
}

function parameter(text) {
  return element("span", { class: "sent" }, text);
}

function status(entry) {
  const { status: code, outcome } = entry;
  if (code === undefined) return undefined;
  const words = outcome === undefined || outcome === "served" ? "" : ` ${outcome}`;
  return element(
    "span",
    { class: hasFailed(entry) ? "status-text failed" : "status-text" },
    element("span", { class: "status" }, code === 0 ? "cut" : String(code)),
    words,
  );
}

function meaning(entry) {
  const words = meaningOf(entry);
  return words === undefined ? undefined : element("span", { class: "meaning" }, words);
}
