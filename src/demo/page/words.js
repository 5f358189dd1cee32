// The words of the acts, in one place: what an act is, what its button says, and what happened. The wire's words are in
// wire-words.js.
import { count, duration, sentence } from "./format.js";
import { callsOf } from "./story.js";

/** By act: its name, why it matters, and what its button says. `name` is the person's. */
export const acts = {
  "sign-in": {
    title: "Sign in on the phone",
    why: "The stand-in opens a window. Choose any account. The phone gets a code that works once, and hands it to the server.",
    button: ({ signedIn }) => (signedIn ? "Use another account" : "Sign in with Google"),
  },
  write: {
    title: "Close the phone, and let the server write",
    why: "The server writes a note into the app's own folder in Drive. No other app can see it.",
    button: () => "Close the phone and write",
  },
  read: {
    title: "Read it back",
    why: "The server lists the folder and reads each note, with the token that is valid at that moment.",
    button: () => "Read",
  },
  later: {
    title: "Come back a day later",
    why: "An access token lives for an hour. This moves the clock of the stand-in and the server forward by a day, and asks for a token.",
    button: () => "Let a day go by",
  },
  readers: {
    title: "A hundred readers at once",
    why: "The token expires again, and a hundred readers ask for one at the same moment. The server asks Google once.",
    button: () => "Send them all",
  },
  untick: {
    title: "Untick a box",
    why: "Somebody else signs in, and does not allow the Drive folder: untick its box in the window. The server then tries to read it.",
    button: ({ newcomer }) => `Sign in as ${newcomer}`,
  },
  remove: {
    title: "The person removes the app",
    why: "The person does this at Google, and nobody tells the server.",
    button: ({ name }) => `Remove Logbook from ${name}'s account`,
  },
  "find-out": {
    title: "Let the server find out",
    why: "The server still believes that all is well. It learns of the end when it next reads the folder.",
    button: () => "Read the folder",
  },
  again: {
    title: "Sign in again",
    why: "Only the person can mend this, with a new consent. Until then the server asks for nothing.",
    button: ({ name }) => `Sign in again as ${name}`,
  },
  disconnect: {
    title: "Disconnect",
    why: "The end from your side: the person wants no more of it, and tells your app.",
    button: ({ name }) => `Disconnect ${name}`,
  },
};

/** What a person hears whose act is not possible yet. */
export const notYet = {
  nobody: "First somebody must sign in.",
  dead: "First the person must sign in again.",
  alive: "There is nothing to mend: the access works.",
  allowed: "Nobody has removed the app yet.",
};

/**
 * What happened in an act, in a few words and in full. `nameOf(email)` says how a person is called.
 *
 * @returns `short` for the closed act, `full` for the open one
 */
export function outcomeOf(act, { entries }, nameOf) {
  const who = nameOf(entries.findLast((entry) => entry.who !== undefined)?.who);
  return outcomes[act](entries, who);
}

const outcomes = {
  "sign-in": (entries, who) => ({
    short: `${who} signed in`,
    full: `${who} signed in. The server exchanged the phone's code, verified who it is, and stored the refresh token encrypted. The phone has no token.`,
  }),
  write: (entries, who) => ({
    short: `stored in ${who}'s Drive`,
    full: `The note is in ${who}'s Drive, written with the phone closed.`,
  }),
  read: (entries, who) => {
    const notes = entries.filter(({ what }) => /^GET \/drive\/v3\/files\/./.test(what)).length;
    const read = notes === 0 ? "listed the folder" : `read ${count(notes, "note")}`;
    return { short: read, full: `The server ${read} on behalf of ${who}.` };
  },
  later: (entries) => ({
    short: `a day went by, ${refreshes(entries)}`,
    full: `A day went by, and the access token had ended long ago. The server got a new one by itself, with ${refreshes(entries)}: nobody had to sign in.`,
  }),
  readers: (entries) => {
    const { readers, served, tokens } = entries.findLast((entry) => entry.readers !== undefined)?.readers ?? {
      readers: callsOf(entries),
      served: callsOf(entries),
    };
    const shared = tokens === undefined ? "" : `, with ${count(tokens, "token")}`;
    return {
      short: `${served} of ${readers} served, ${refreshes(entries)}`,
      full: `${served} of ${readers} were served${shared}, after ${refreshes(entries)}. Whoever comes while one is under way gets its result.`,
    };
  },
  untick: (entries, who) => ({
    short: `${who} did not allow the Drive folder`,
    full: `${who} did not allow the Drive folder, so the server may not read it. The error insufficient_scope names what is missing: ask for it when it is needed.`,
  }),
  remove: (entries, who) => ({
    short: `${who} removed the app`,
    full: `Google has ended ${who}'s access. Nobody told the server: it still shows the grant as it was.`,
  }),
  "find-out": () => ({
    short: "lapsed: reauthorization_required",
    full: "The server asked twice before it believed it. Now the grant has lapsed, and your program gets 409 reauthorization_required, with the reason and the time. No retry helps: the person must sign in again.",
  }),
  again: (entries, who) => ({
    short: `${who} signed in again`,
    full: `${who} signed in again, and the same grant is active: whatever your program noted by its id stays right.`,
  }),
  disconnect: () => ({
    short: "revoked at Google, erased here",
    full: "The server revoked the grant at Google, and erased its tokens once Google had confirmed. It hands out nothing more.",
  }),
};

function refreshes(entries) {
  return count(entries.filter(({ outcome }) => outcome === "refreshed").length, "refresh", "refreshes");
}

export const reasons = {
  invalid_grant: "Google no longer accepts the refresh token",
  reauthentication_required: "the organisation requires a new sign-in",
  admin_policy_enforced: "an administrator blocked the access",
  ended_by_provider: "Google has said that the consent ended",
  no_refresh_token: "Google never gave a refresh token",
  crash_ambiguous_rotation: "the new refresh token was lost in a crash",
  restored_from_backup: "the refresh token came from a restored backup, and no longer works",
  revoked: "the person disconnected it here",
  revoked_unconfirmed: "the person disconnected it here, and Google did not confirm it",
};

export const fromEarlierRun = "From an earlier run of this demo: the stand-in no longer knows it.";

/** What is said of a grant that an earlier run of the demo stored. */
export function earlierRun(name) {
  return `${name} signed in during an earlier run of this demo. The stand-in keeps nothing when it stops, so it no longer knows the grant: sign in again, or let the server find out.`;
}

/** What is said where a sign-in window ended without a code. It must not say of anybody that they are not signed in. */
export function nothingChanged(name) {
  const because = "The window was closed, or the person refused.";
  return name === undefined
    ? `Nobody has signed in. ${because}`
    : `${because} Nothing has changed: ${name} is signed in as before.`;
}

/** What is said where nobody unticked a box. */
export const everythingAllowed =
  "Every box was left ticked, so the server may read the folder. Remove the app, and try this act again.";

/** What is said where something did not go as it should: what it was, and what to do. */
export function troubleWords({ status, code, message, hint }) {
  const what = code === undefined ? "" : `${status} ${code}: `;
  return `${what}${sentence(message)}${hint === undefined ? "" : ` ${sentence(hint)}`}`;
}

/** What is said where the demo does not answer. */
export const stopped =
  "The demo has stopped: it does not answer. Start it again with “onbehalf demo”. Where it gets the same address, this page goes on by itself.";

/** The server's side in one line, for a narrow window in which its card is out of sight. */
export function summaryOf(grant, now, { phoneClosed, name }) {
  if (grant === undefined) return "Nobody has signed in yet";
  const left = Date.parse(grant.access_expires_at ?? "") - now.getTime();
  const token = left > 0 ? `token ${duration(left)}` : "token expired";
  const usable = grant.state === "active" || grant.state === "suspect";
  const phone = phoneClosed ? "phone closed" : "phone open";
  // The name last: a long one is cut off, and must not push the rest out of sight.
  return [stateWords(grant), usable ? token : "no token", phone, name].join(" · ");
}

export function stateWords({ state }) {
  return state.replaceAll("_", " ");
}
