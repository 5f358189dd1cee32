// The timeline: every request and event, newest first.
import { byId, clockTime, count, element, say } from "./words.js";

const names = { phone: "phone", server: "server", vault: "vault", person: "person", demo: "demo", google: "Google" };
/** Rows kept on the page. */
const kept = 200;

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

/** Whether an entry is a request. The others are described in words. */
function isRequest(what) {
  return /^[A-Z]+ \//.test(what);
}

function row({ at, from, to, what, with: sent, status, outcome }) {
  const failed = status !== undefined && (status === 0 || status >= 400);
  return element(
    "tr",
    failed ? { class: "failed" } : {},
    element("td", { class: "at" }, clockTime(new Date(at))),
    element(
      "td",
      { class: "who" },
      element("span", {}, names[from]),
      ...(to === undefined || to === from
        ? []
        : [element("span", { class: "arrow" }, " → "), element("span", {}, names[to])]),
    ),
    element(
      "td",
      { class: "what" },
      element("code", isRequest(what) ? {} : { class: "told" }, what),
      ...sent.map((each) => element("span", { class: "sent" }, each)),
    ),
    element(
      "td",
      { class: "outcome" },
      status === undefined ? undefined : element("span", { class: "status" }, status === 0 ? "cut" : String(status)),
      outcome === undefined || outcome === "served" ? undefined : ` ${outcome.replaceAll("_", " ")}`,
    ),
  );
}
