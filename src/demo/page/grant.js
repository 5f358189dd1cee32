// Shows what the server holds for a person: the members of a grant as GET /v1/grants answers it.
import { byId, element, say } from "./dom.js";
import { clockTime, duration } from "./format.js";
import { isUsable } from "./story.js";
import { fromEarlierRun, reasons, stateWords } from "./words.js";

/** The life that the full length of the token's bar stands for. */
const wholeLifeMs = 3_600_000;

export function showGrant(grant, now) {
  byId("nobody").hidden = grant !== undefined;
  byId("grant").hidden = grant === undefined;
  if (grant === undefined) return;
  byId("state").dataset.state = grant.state;
  say("state", stateWords(grant));
  say("since", `since ${clockTime(new Date(grant.since))}`);
  say("why", whyOf(grant));
  byId("why").hidden = byId("why").textContent === "";

  const left = grant.access_expires_at === undefined ? -1 : Date.parse(grant.access_expires_at) - now.getTime();
  const usable = isUsable(grant);
  say("access", usable ? tokenWords(grant.access_expires_at, left) : "none");
  byId("life").parentElement.hidden = !usable;
  byId("life").style.inlineSize = `${usable ? Math.min(100, Math.max(0, (left / wholeLifeMs) * 100)) : 0}%`;
  say("refresh", usable && grant.offline ? "stored, encrypted" : "none");
  say("last-refresh", refreshWords(grant, now));
  say("grant-id", grant.grant_id);
}

function whyOf(grant) {
  if (grant.reason !== undefined) return `${reasons[grant.reason] ?? grant.reason} (${grant.reason}).`;
  return grant.this_run || !isUsable(grant) ? "" : fromEarlierRun;
}

function refreshWords({ last_refresh_at: at }, now) {
  if (at === undefined) return "not yet";
  const ago = now.getTime() - Date.parse(at);
  // An earlier run of the demo may have moved its clock further than this one.
  return ago < 0 ? "in an earlier run" : `${duration(ago)} ago`;
}

function tokenWords(expiresAt, left) {
  if (expiresAt === undefined) return "none";
  return left > 0 ? `valid for ${duration(left)}` : `expired ${duration(-left)} ago`;
}

let listed = "";

/** Shows radio buttons, where the server can act for more than one person. */
export function showPeople(grants, selected, nameOf, choose) {
  byId("people").hidden = grants.length < 2;
  const wanted = JSON.stringify([grants.map(({ grant_id }) => grant_id), selected?.grant_id]);
  if (wanted === listed) return;
  listed = wanted;
  const focused = document.activeElement?.closest("#people-list") === null ? undefined : selected?.grant_id;
  byId("people-list").replaceChildren(
    ...grants.map(({ grant_id, profile }) => {
      const radio = element("input", { type: "radio", name: "person", value: grant_id });
      radio.checked = grant_id === selected?.grant_id;
      radio.addEventListener("change", () => choose(grant_id));
      return element("label", {}, radio, nameOf(profile.email) ?? profile.sub);
    }),
  );
  // Drawing them anew takes the focus away from the one that was just chosen.
  if (focused !== undefined) byId("people-list").querySelector(`[value="${focused}"]`)?.focus();
}
