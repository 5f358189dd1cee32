// What the server holds for a person, as GET /v1/grants would say it.
import { byId, duration, element, say, clockTime } from "./words.js";

const reasons = {
  invalid_grant: "Google says the refresh token is no longer good",
  reauthentication_required: "the organisation asks for a new sign-in",
  admin_policy_enforced: "an administrator restricted it",
  no_refresh_token: "there never was a refresh token",
  crash_ambiguous_rotation: "the new refresh token was lost in a crash",
  revoked: "it was disconnected here",
};

/** An hour, as far as the bar that shows a token's life is concerned. */
const wholeLifeMs = 3_600_000;

export function showGrant(grant, now) {
  byId("nobody").hidden = grant !== undefined;
  byId("grant").hidden = grant === undefined;
  if (grant === undefined) return;
  const state = byId("state");
  state.dataset.state = grant.state;
  say("state", grant.state.replace("_", " "));
  const why = grant.reason === undefined ? "" : `: ${reasons[grant.reason] ?? grant.reason}`;
  say("since", `since ${clockTime(new Date(grant.since))}${why}`);
  byId("disconnect").hidden = grant.state === "revoked" || grant.state === "lapsed";

  const left = grant.access_expires_at === undefined ? -1 : Date.parse(grant.access_expires_at) - now.getTime();
  const usable = grant.state === "active" || grant.state === "suspect";
  say("access", usable ? tokenWords(grant.access_expires_at, left) : "none is handed out");
  byId("life").parentElement.hidden = !usable;
  byId("life").style.inlineSize = `${usable ? Math.min(100, Math.max(0, (left / wholeLifeMs) * 100)) : 0}%`;
  say("refresh", usable && grant.offline ? "held, sealed in the database" : "none");
  say(
    "last-refresh",
    grant.last_refresh_at === undefined
      ? "not yet"
      : `${duration(now.getTime() - Date.parse(grant.last_refresh_at))} ago`,
  );
  say("grant-id", grant.grant_id);
}

function tokenWords(expiresAt, left) {
  if (expiresAt === undefined) return "none";
  return left > 0 ? `good for ${duration(left)}` : `ended ${duration(-left)} ago`;
}

let listed = "";

/** Radio buttons, where there is more than one person to act for. */
export function showPeople(grants, selected, choose) {
  byId("people").hidden = grants.length < 2;
  const wanted = JSON.stringify([grants.map(({ grant_id }) => grant_id), selected?.grant_id]);
  if (wanted === listed) return;
  listed = wanted;
  byId("people-list").replaceChildren(
    ...grants.map(({ grant_id, profile }) => {
      const radio = element("input", { type: "radio", name: "person", value: grant_id });
      radio.checked = grant_id === selected?.grant_id;
      radio.addEventListener("change", () => choose(grant_id));
      return element("label", {}, radio, profile.name ?? profile.email ?? profile.sub);
    }),
  );
}
