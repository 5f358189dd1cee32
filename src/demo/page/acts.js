// The acts, as one numbered list. Each says what it is, does it, shows what happened, and what it is in code.
import { codeFigure, showCode } from "./code-block.js";
import { bringIntoView, byId, element } from "./dom.js";
import { isUsable, order } from "./story.js";
import { wireList } from "./timeline.js";
import { acts, earlierRun, notYet, outcomeOf } from "./words.js";

/** By act: the elements of its item. */
const parts = new Map();
let next;
let latest;

/** Makes the list. `controls` gives some acts more than their button, `press(act)` is what the button does. */
export function makeActs({ press, controls }) {
  byId("acts").replaceChildren(...order.map((act) => actItem(act, press, controls[act])));
}

function actItem(act, press, controls = {}) {
  const button = element("button", { type: "button", id: act, class: "quiet", "aria-describedby": `${act}-reason` });
  button.addEventListener("click", () => press(act, button));
  const mark = element("span", { class: "unseen" });
  const result = element("span", { class: "result" });
  const effect = element("div", { class: "effect", id: `${act}-effect`, hidden: "" });
  const trouble = element("p", { class: "act-trouble", id: `${act}-trouble`, hidden: "" });
  const reason = element("p", { class: "small", id: `${act}-reason`, hidden: "" });
  const body = element(
    "div",
    { class: "act-body" },
    element("p", {}, acts[act].why, " ", controls.link),
    controls.field,
    element("div", { class: "buttons" }, button, controls.button),
    reason,
    trouble,
    effect,
    controls.shown,
    codeFigure(act),
  );
  const fold = element("details", {}, element("summary", {}, element("h3", {}, acts[act].title, mark), result), body);
  const item = element("li", { class: "act", id: `act-${act}` }, fold);
  parts.set(act, { item, fold, button, mark, result, effect, trouble, reason, shown: "" });
  return item;
}

/** Shows how far the story is. `view`: the selected grant, what the words need, and which acts are possible. */
export function showActs(story, { grant, view, nextAct, run, nameOf }) {
  if (next !== nextAct) {
    next = nextAct;
    if (next !== undefined) parts.get(next).fold.open = true;
  }
  for (const act of order) showAct(act, { done: story.done.get(act), story, grant, view, nameOf });
  for (const act of order) showCode(act, run);
  for (const act of order) mark(act, story.done.has(act));
  byId("the-end").hidden = next !== undefined;
}

function showAct(act, { done, story, grant, view, nameOf }) {
  const { button, effect, result, reason } = parts.get(act);
  const label = acts[act].button(view);
  if (button.textContent !== label) button.textContent = label;
  const missing = obstacle(act, story, grant);
  // It stays where the tab key finds it: the reason beside it is what a person needs.
  button.setAttribute("aria-disabled", String(missing !== undefined || !view.ready));
  const words = act === "sign-in" && view.forgotten ? earlierRun(view.name) : missing;
  reason.hidden = words === undefined;
  reason.textContent = words ?? "";
  // An act that is due once more has not happened yet this time.
  effect.hidden = done === undefined || act === next;
  if (done === undefined) return;
  const drawn = `${done.entries[0].seq}:${done.entries.length}`;
  if (parts.get(act).shown === drawn) return;
  parts.get(act).shown = drawn;
  const { short, full } = outcomeOf(act, done, nameOf);
  result.textContent = short;
  effect.replaceChildren(element("p", { class: "happened" }, full), wireList(done.entries));
}

/** Why an act is not possible now; undefined where it is. */
function obstacle(act, { removed }, grant) {
  if (act === "sign-in" || act === "untick") return undefined;
  if (grant === undefined) return notYet.nobody;
  const usable = isUsable(grant);
  if (act === "again") return usable && grant.this_run ? notYet.alive : undefined;
  if (!usable) return notYet.dead;
  if (act === "find-out") return removed.has(grant.profile.email) || !grant.this_run ? undefined : notYet.allowed;
  return undefined;
}

function mark(act, isDone) {
  const { item, button, mark: spoken } = parts.get(act);
  const isNext = act === next;
  item.classList.toggle("done", isDone);
  item.classList.toggle("next", isNext);
  if (isNext) item.setAttribute("aria-current", "step");
  else item.removeAttribute("aria-current");
  button.classList.toggle("quiet", !isNext);
  const state = isNext ? ": next" : isDone ? ": done" : "";
  if (spoken.textContent !== state) spoken.textContent = state;
}

/** Opens an act that was pressed, and closes the one before, so that what follows is near. */
export function openAct(act) {
  if (latest !== undefined && latest !== act) parts.get(latest).fold.open = false;
  latest = act;
  parts.get(act).fold.open = true;
}

/** Brings into view what an act has done. */
export function showEffect(act) {
  const { item, effect, trouble } = parts.get(act);
  bringIntoView(item, trouble.hidden ? effect : trouble);
}

/** Says beside a button that its act did not go as it should; without words, that it did. */
export function showTrouble(act, words) {
  const { trouble } = parts.get(act);
  trouble.hidden = words === undefined;
  trouble.textContent = words ?? "";
}

export function whatHappened(act) {
  return parts.get(act).effect.querySelector(".happened")?.textContent ?? "";
}
