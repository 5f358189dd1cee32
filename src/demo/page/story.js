// Which acts of the story have happened, read from the timeline alone: so a reload, another tab and a command that somebody
// pastes into a shell show what a button shows.

/** The acts, in the order in which they make a story. */
export const order = [
  "sign-in",
  "write",
  "read",
  "later",
  "readers",
  "untick",
  "remove",
  "find-out",
  "again",
  "disconnect",
];

const halfADay = 43_200;
/** So many calls in a row were no single program's. */
const crowd = 20;

export function newStory() {
  return {
    /** By act: the entries that belong to it, the last time that it happened. */
    done: new Map(),
    /** Grants that lapsed or were revoked, and were not signed in for since. */
    dead: new Set(),
    /** People who removed the app, which the server does not know yet. */
    removed: new Set(),
    slice: newSlice(),
    lastRefusal: undefined,
  };
}

function newSlice() {
  return { entries: [], acts: [] };
}

/** Reads one more entry into the story. */
export function tell(story, entry) {
  markSecondLook(story, entry);
  if (begins(story.slice, entry)) story.slice = newSlice();
  story.slice.entries.push(entry);
  const act = ends(story, entry);
  if (act === undefined) return;
  story.slice.acts.push(act);
  if (act === "untick") tellUntick(story, entry);
  else story.done.set(act, { entries: story.slice.entries, before: beforeThis(story, act) });
}

function beforeThis(story, act) {
  const done = story.done.get(act);
  return done?.entries === story.slice.entries ? done.before : done;
}

/** The box was unticked in the sign-in that went before. It belongs to this act, and the first act is what it was. */
function tellUntick(story, { who }) {
  const signIn = story.done.get("sign-in");
  const isTheirs = signIn?.entries.some((entry) => entry.outcome === "exchanged" && entry.who === who) === true;
  const mayMove = isTheirs && signIn.before !== undefined;
  const before = mayMove ? signIn.entries : [];
  const { entries } = story.slice;
  if (mayMove) story.done.set("sign-in", signIn.before);
  // Read anew each time: more may come that belongs to it.
  story.done.set("untick", {
    get entries() {
      return [...before, ...entries];
    },
  });
}

/** The first act that has not happened and makes sense now; undefined where the story is over. */
export function nextAct(story, grant) {
  if (grant === undefined) return "sign-in";
  if (order.every((act) => story.done.has(act))) return undefined;
  if (!isUsable(grant)) return "again";
  if (!grant.this_run) return "sign-in";
  // Somebody may have signed in through another process, of which the timeline does not tell.
  return order.find((act) => !story.done.has(act) && act !== "sign-in" && act !== "again");
}

export function isUsable({ state }) {
  return state === "active" || state === "suspect";
}

/** Whether the server worked alone since somebody last signed in: then the phone is closed. */
export function isServerAlone({ done }) {
  const last = (acts) => Math.max(0, ...acts.map((act) => done.get(act)?.entries[0].seq ?? 0));
  return last(["write"]) > last(["sign-in", "again", "untick"]);
}

function isDrive({ kind, what }) {
  return kind === "request" && /^[A-Z]+ \/(?:upload\/)?drive\//.test(what);
}

function isSignIn({ kind, from, to }) {
  return kind === "authcode" || (kind === "request" && from === "phone" && to === "google");
}

/** Whether an entry begins something new. What is no beginning belongs to what went before. */
function begins({ entries, acts }, entry) {
  const [first] = entries;
  if (first === undefined) return false;
  const isOver = acts.length > 0;
  if (isSignIn(entry)) return isOver || !isSignIn(first);
  if (entry.kind === "clock" || entry.outcome === "access_removed") return true;
  if (entry.kind === "readers") return isOver || first.kind !== "clock";
  if (entry.what === "POST /revoke") return true;
  // A list of notes is followed by each of them, and a refused call by its repetition.
  if (isDrive(entry)) return !isDrive(first) || (isOver && !/^GET \/drive\/v3\/files\/./.test(entry.what));
  return false;
}

/** The act that an entry completes. */
function ends(story, entry) {
  const { kind, event, what, status, outcome, grant_id: grantId } = entry;
  if (kind === "event") return endsByEvent(story, event, grantId);
  if (kind === "readers_served") return "readers";
  if (kind === "call") return callsOf(story.slice.entries) >= crowd ? "readers" : undefined;
  if (outcome === "access_removed") {
    story.removed.add(entry.who);
    return "remove";
  }
  if (!isDrive(entry)) return undefined;
  if (status === 403) return "untick";
  if (status !== 200) return undefined;
  if (what === "GET /drive/v3/files") return "read";
  return what.startsWith("POST ") ? "write" : undefined;
}

function endsByEvent(story, event, grantId) {
  if (event === "grant_stored") {
    const wasDead = story.dead.delete(grantId);
    return wasDead ? "again" : "sign-in";
  }
  if (event === "recovered") story.dead.delete(grantId);
  if (event === "refreshed" && story.slice.entries.some(({ seconds }) => seconds >= halfADay)) return "later";
  if (event === "lapsed" || event === "revoked") {
    story.dead.add(grantId);
    story.removed.clear();
    return event === "lapsed" ? "find-out" : "disconnect";
  }
  return undefined;
}

/** How often programs asked for a token in these entries, and were served. */
export function callsOf(entries) {
  return entries
    .filter(({ kind, what, status }) => kind === "call" && what.endsWith("/token") && status === 200)
    .reduce((sum, { times }) => sum + times, 0);
}

/** Marks the second of two refusals of the same person's refresh token: by itself it looks like an error of ours. */
function markSecondLook(story, entry) {
  if (entry.what !== "POST /token") return;
  const refused = entry.outcome === "invalid_grant" || entry.outcome === "reused_token";
  const who = refused ? (entry.who ?? "somebody") : undefined;
  entry.second = who !== undefined && story.lastRefusal === who;
  story.lastRefusal = who;
}
