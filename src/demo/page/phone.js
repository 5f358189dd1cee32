// The phone: shows who is signed in and what they allowed. It knows nothing else.
import { driveScope } from "./sign-in.js";
import { byId, day, element, say, shortTime } from "./words.js";

let away = false;
let shown = "";

export function isAway() {
  return away;
}

export function putAway(now) {
  away = now;
  byId("put-away").setAttribute("aria-pressed", String(away));
  byId("put-away").classList.toggle("quiet", away);
  say("put-away", away ? "Pick the phone up" : "Put the phone away");
}

/** Shows one of the phone's three screens. */
export function showPhone(grant, now) {
  byId("put-away").disabled = grant === undefined;
  byId("welcome").hidden = away || grant !== undefined;
  byId("home").hidden = away || grant === undefined;
  byId("asleep").hidden = !away;
  byId("screen").classList.toggle("dark", away);
  say("night-time", shortTime(now));
  say("night-date", day(now));
  byId("notice").hidden = grant === undefined || isUsable(grant);
  if (grant === undefined) return;
  const wanted = JSON.stringify([grant.grant_id, grant.profile, grant.scope, grant.state, grant.offline]);
  // Only when something changed: drawing it again would take the focus away from the button it is on.
  if (wanted === shown) return;
  shown = wanted;
  showPerson(grant);
}

function isUsable({ state }) {
  return state === "active" || state === "suspect";
}

function showPerson({ profile, scope, state, offline }) {
  if (byId("picture").src !== profile.picture) byId("picture").src = profile.picture ?? "/demo/page/mark.svg";
  say("name", profile.name ?? profile.sub);
  say("email", profile.email ?? "");
  const usable = isUsable({ state });
  const drive = scope.split(" ").includes(driveScope);
  byId("allowed").replaceChildren(
    permission(usable, "Know who you are"),
    permission(usable && drive, "Keep files in a folder of its own in your Drive"),
    permission(usable && offline, "Continue while you are away"),
  );
  byId("lost").hidden = usable;
  say("lost", usable ? "" : "Logbook has lost its access. It needs you to sign in again.");
  const ask = byId("ask-again");
  ask.hidden = usable && drive && offline;
  say("ask-again", usable ? "Allow the Drive folder" : "Sign in again");
}

function permission(granted, what) {
  return element(
    "li",
    { class: granted ? "yes" : "no" },
    element("span", { class: "mark", "aria-hidden": "true" }, granted ? "✓" : "✕"),
    element("span", {}, what, element("span", { class: "unseen" }, granted ? ": allowed" : ": not allowed")),
  );
}
