// Shows what the server holds for a person: the members of a grant as GET /v1/grants answers it.
import { byId, duration, element, say, clockTime } from "./words.js";

const reasons = {
  invalid_grant: "Google no longer accepts the refresh token",
  reauthentication_required: "the organisation requires a new sign-in",
  admin_policy_enforced: "an administrator blocked the access",
  no_refresh_token: "Google never gave a refresh token",
  crash_ambiguous_rotation: "the new refresh token was lost in a crash",
  revoked: "the person disconnected it here",
  revoked_unconfirmed: "the person disconnected it here, and Google did not confirm it",
};

/** The life that the full length of the token's bar stands for. */
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
  say(
    "access",
    usable ? tokenWords(grant.access_expires_at, left) : "none: the server hands out no token for this grant",
  );
  byId("life").parentElement.hidden = !usable;
  byId("life").style.inlineSize = `${usable ? Math.min(100, Math.max(0, (left / wholeLifeMs) * 100)) : 0}%`;
  say("refresh", usable && grant.offline ? "stored in the database, encrypted" : "none");
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
  return left > 0 ? `valid for ${duration(left)}` : `expired ${duration(-left)} ago`;
}

let listed = "";

/** Shows radio buttons, where the server can act for more than one person. */
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
