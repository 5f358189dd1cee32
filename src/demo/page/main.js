// Ties the page together: reads the state from the server once a second and after every act.
import { makeActs, openAct, showActs, showEffect, showTrouble, whatHappened } from "./acts.js";
import { Refused, get } from "./api.js";
import { addSetUpCopy, showSetUp } from "./code-block.js";
import { driveScope } from "./code.js";
import { doingOf } from "./doing.js";
import { announce, byId, element, say } from "./dom.js";
import { clockTime, duration, sentence } from "./format.js";
import { showGrant, showPeople } from "./grant.js";
import { showNotes } from "./notes.js";
import { followStory, isAway, putAway, showPhone } from "./phone.js";
import { loadGoogle } from "./sign-in.js";
import { isServerAlone, isUsable, newStory, nextAct, tell } from "./story.js";
import { addToTimeline } from "./timeline.js";
import { acts, stopped, summaryOf, troubleWords } from "./words.js";

let state = { grants: [], timeline: [] };
const story = newStory();
let selected;
let seen = 0;
let canSignIn = false;
let isStopped = false;
let looking = Promise.resolve();
let waiting = 0;
let run;

const note = element("input", { id: "text", maxlength: "200", value: "Quiet night. Nothing to report." });
const allow = element(
  "button",
  { type: "button", id: "allow-drive", class: "quiet", hidden: "" },
  "Allow the Drive folder after all",
);
const accountPage = element(
  "a",
  { id: "account-page", target: "_blank", rel: "noopener" },
  "Or do it on the stand-in's account page.",
);

function grant() {
  return state.grants.find(({ grant_id }) => grant_id === selected) ?? newest(state.grants);
}

/** The grant to show first: the one that somebody signed in for last. */
function newest(grants) {
  const byTime = (a, b) => Number(b.this_run) - Number(a.this_run) || b.since.localeCompare(a.since);
  return grants.toSorted(byTime)[0];
}

function nameOf(email) {
  const known = state.grants.find(({ profile }) => profile.email === email);
  return known?.profile.name ?? email ?? "Somebody";
}

/** Somebody who has not allowed the Drive folder yet, for the act in which a box is unticked. */
function newcomer() {
  const hasDrive = (email) =>
    state.grants.some((one) => one.profile.email === email && isUsable(one) && one.scope.includes(driveScope));
  const people = ["carl@example.com", "ada@example.com"];
  return people.find((email) => !hasDrive(email)) ?? `guest${state.grants.length}@example.com`;
}

function show() {
  const now = new Date(state.now);
  const chosen = grant();
  const name = chosen === undefined ? undefined : (chosen.profile.name ?? chosen.profile.email ?? chosen.profile.sub);
  say("clock", clockTime(now));
  byId("ahead").hidden = state.ahead_seconds === 0;
  say("ahead", `${duration(state.ahead_seconds * 1_000)} ahead`);
  followStory(isServerAlone(story));
  showPhone(chosen, now, { name, standin: state.standin });
  showGrant(chosen, now);
  showPeople(state.grants, chosen, nameOf, choose);
  say("strip", summaryOf(chosen, now, { phoneClosed: isAway(), name }));
  updateRun(chosen);
  showSetUp(run);
  const view = {
    signedIn: chosen?.this_run === true,
    forgotten: chosen?.this_run === false,
    name,
    newcomer: newcomer(),
    ready: canSignIn && !isStopped,
  };
  showActs(story, { grant: chosen, view, nextAct: nextAct(story, chosen), run, nameOf });
  const lacksDrive = chosen !== undefined && isUsable(chosen) && !chosen.scope.includes(driveScope);
  allow.hidden = !lacksDrive;
  accountPage.href = `${state.standin}/account/access`;
}

/** What the lines of code are about. The same object while nothing has changed. */
function updateRun(chosen) {
  const wanted = {
    service: location.origin,
    standin: state.standin,
    keyFile: state.caller_key_file,
    masterKeyFile: state.master_key_file,
    database: state.database,
    clientId: state.client_id,
    grantId: chosen?.grant_id ?? "g_…",
    email: chosen?.profile.email ?? "ada@example.com",
    newcomer: newcomer(),
    note: note.value,
  };
  if (JSON.stringify(wanted) !== JSON.stringify(run)) run = wanted;
}

function choose(grantId) {
  selected = grantId;
  showNotes([]);
  show();
}

/** One after the other: two answers that overlap would write the same lines twice. */
function look() {
  waiting += 1;
  looking = looking.then(lookOnce).finally(() => {
    waiting -= 1;
  });
  return looking;
}

async function lookOnce() {
  const answer = await get("/demo/state", { since: String(seen) }).catch((error) => error);
  if (answer instanceof Error) showStopped(answer instanceof Refused ? sentence(answer.message) : stopped);
  else takeIn(answer);
  if (state.now !== undefined) show();
}

function takeIn(answer) {
  // Another demo on the same port: what this page shows happened in one that is gone.
  if (state.run !== undefined && state.run !== answer.run) location.reload();
  state = answer;
  seen = state.timeline.at(-1)?.seq ?? seen;
  for (const entry of state.timeline) tell(story, entry);
  addToTimeline(state.timeline);
  showStopped(undefined);
}

function showStopped(words) {
  isStopped = words !== undefined;
  byId("trouble").hidden = !isStopped;
  say("trouble", words ?? "");
}

const doing = doingOf({
  clientId: () => state.client_id,
  clockTime: () => clockTime(new Date(state.now)),
  note: () => note.value,
  newcomer,
  email: () => grant()?.profile.email,
  signedInName: () => (grant() === undefined ? undefined : nameOf(grant().profile.email)),
  choose,
  run: (button, action) => void press("read", button, action),
});

/** Runs what a button does, once at a time, and brings into view how it went. */
async function press(act, button, action) {
  if (button.getAttribute("aria-busy") === "true" || button.getAttribute("aria-disabled") === "true") return;
  openAct(act);
  button.setAttribute("aria-busy", "true");
  showTrouble(act, undefined);
  let said;
  let trouble;
  try {
    said = await action(grant()?.grant_id);
  } catch (error) {
    trouble = troubleWords(error);
  }
  await look();
  button.removeAttribute("aria-busy");
  showTrouble(act, trouble);
  showEffect(act);
  announce(trouble ?? said ?? spoken(act));
}

/** What has happened, and what comes next, for people who hear the page. */
function spoken(act) {
  const next = nextAct(story, grant());
  return `${whatHappened(act)} ${next === undefined ? "That was the last act." : `Next: ${acts[next].title}.`}`;
}

makeActs({
  press: (act, button) => void press(act, button, doing[act]),
  controls: {
    write: { field: element("div", { class: "field" }, element("label", { for: "text" }, "The note"), note) },
    read: { shown: element("ul", { class: "notes", id: "notes", hidden: "" }) },
    untick: { button: allow },
    remove: { link: accountPage },
  },
});
addSetUpCopy();
note.addEventListener("input", show);
note.addEventListener("keydown", ({ key }) => {
  if (key === "Enter") byId("write").click();
});
allow.addEventListener("click", () => void press("untick", allow, doing.again));
byId("put-away").addEventListener("click", () => {
  putAway(!isAway());
  show();
});

await look();
try {
  await loadGoogle(state.standin);
  canSignIn = true;
} catch (error) {
  showTrouble("sign-in", sentence(error.message));
}
if (state.now !== undefined) show();
setInterval(() => {
  if (document.visibilityState === "visible" && waiting === 0) void look();
}, 1_000);
