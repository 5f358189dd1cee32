// An act's lines of code: one choice of language for all acts, and a button that copies.
import { announce, byId, element } from "./dom.js";
import { codeOf, setUp } from "./code.js";

const languages = [
  ["curl", "curl"],
  ["typescript", "TypeScript"],
];
let language = "curl";
let known = {};
const shown = new Map();

/** The block of an act. `showCode` fills it. */
export function codeFigure(act) {
  const code = element("code", { id: `${act}-code` });
  const title = `${act}-code-title`;
  return element(
    "div",
    { class: "code", role: "group", "aria-labelledby": title },
    element("span", { class: "unseen", id: title }, "In code"),
    element(
      "div",
      { class: "code-head" },
      element("div", { class: "languages" }, ...languages.map(([value, name]) => choice(act, value, name))),
      copyButton(code, `${act}-copy`),
    ),
    element("pre", {}, code),
  );
}

function choice(act, value, name) {
  const radio = element("input", { type: "radio", name: `${act}-language`, value });
  radio.checked = value === language;
  radio.addEventListener("change", () => choose(value));
  return element("label", {}, radio, name);
}

function choose(value) {
  language = value;
  for (const radio of document.querySelectorAll(".languages input")) radio.checked = radio.value === value;
  for (const act of shown.keys()) write(act);
  announce(`Code is shown in ${value === "curl" ? "curl" : "TypeScript"}.`);
}

/** Shows an act's code for this run. */
export function showCode(act, run) {
  if (run === undefined) return;
  if (known.run !== run) known = { run, code: codeOf(run) };
  shown.set(act, known.code[act]);
  write(act);
}

function write(act) {
  const text = shown.get(act)[language].join("\n");
  const target = byId(`${act}-code`);
  if (target.textContent !== text) target.textContent = text;
}

/** Fills the block at the head of the list: what stands once in a program. */
export function showSetUp(run) {
  const text = setUp(run).join("\n");
  if (byId("set-up-code").textContent !== text) byId("set-up-code").textContent = text;
}

export function addSetUpCopy() {
  byId("set-up-head").append(copyButton(byId("set-up-code"), "set-up-copy"));
}

const saysCopiedMs = 2_500;

function copyButton(code, id) {
  const button = element("button", { type: "button", class: "quiet small-button", id }, "Copy");
  let back;
  button.addEventListener("click", async () => {
    clearTimeout(back);
    const words = (await copied(code)) ? "Copied" : "Selected: press Ctrl+C";
    button.textContent = words;
    announce(`${words}.`);
    back = setTimeout(() => (button.textContent = "Copy"), saysCopiedMs);
  });
  return button;
}

/** Whether the text is in the clipboard. Where a browser refuses that, the text is selected instead. */
async function copied(code) {
  try {
    await navigator.clipboard.writeText(`${code.textContent}\n`);
    return true;
  } catch {
    getSelection().selectAllChildren(code);
    return false;
  }
}
