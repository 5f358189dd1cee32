// The phone: shows who is signed in and what they allowed. It knows nothing else.
import { driveScope } from "./code.js";
import { byId, element, say } from "./dom.js";
import { day, shortTime } from "./format.js";
import { isUsable } from "./story.js";

let away = false;
let derived = false;
let shown = "";

export function isAway() {
  return away;
}

/** Follows the story: the phone is closed while the server works alone. A press on the button holds until that changes. */
export function followStory(isServerAlone) {
  if (isServerAlone === derived) return;
  derived = isServerAlone;
  away = isServerAlone;
}

export function putAway(now) {
  away = now;
}

/** Shows one of the phone's three screens. */
export function showPhone(grant, now, { name, standin }) {
  say("put-away", away ? "Pick the phone up" : "Put the phone away");
  byId("put-away").hidden = grant === undefined;
  byId("welcome").hidden = away || grant !== undefined;
  byId("home").hidden = away || grant === undefined;
  byId("asleep").hidden = !away;
  byId("screen").classList.toggle("dark", away);
  say("night-time", shortTime(now));
  say("night-date", day(now));
  byId("notice").hidden = grant === undefined || isUsable(grant);
  if (grant === undefined) return;
  const wanted = JSON.stringify([grant.grant_id, grant.profile, grant.scope, grant.state, grant.offline]);
  if (wanted === shown) return;
  shown = wanted;
  showPerson(grant, name, standin);
}

function showPerson({ profile, scope, state, offline }, name, standin) {
  // The stand-in of an earlier run served it from an address that is gone.
  const picture = profile.picture?.startsWith(standin) === true ? profile.picture : "/demo/page/mark.svg";
  if (byId("picture").src !== picture) byId("picture").src = picture;
  say("name", name);
  say("email", profile.email ?? "");
  const usable = isUsable({ state });
  const drive = scope.split(" ").includes(driveScope);
  byId("allowed").replaceChildren(
    permission(usable, "Know who you are"),
    permission(usable && drive, "Keep files in a folder of its own in your Drive"),
    permission(usable && offline, "Continue while you are away"),
  );
  byId("lost").hidden = usable;
  byId("no-token").hidden = !usable;
}

function permission(granted, what) {
  return element(
    "li",
    { class: granted ? "yes" : "no" },
    element("span", { class: "mark", "aria-hidden": "true" }, granted ? "✓" : "✕"),
    element("span", {}, what, element("span", { class: "unseen" }, granted ? ": allowed" : ": not allowed")),
  );
}
