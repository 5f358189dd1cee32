// Ties the page together: reads the state from the server once a second and after every action.
import { get, post, remove, Refused } from "./api.js";
import { showGrant, showPeople } from "./grant.js";
import { isAway, putAway, showPhone } from "./phone.js";
import { loadGoogle, signIn } from "./sign-in.js";
import { addToTimeline } from "./timeline.js";
import { byId, clockTime, count, duration, element, say } from "./words.js";

let state = { grants: [], timeline: [] };
let selected;
let seen = 0;
let looking = Promise.resolve();
let waiting = 0;

function grant() {
  return state.grants.find(({ grant_id }) => grant_id === selected);
}

/** The grant to show first: the one that changed last. */
function newest(grants) {
  return grants.toSorted((a, b) => b.updated_at.localeCompare(a.updated_at))[0];
}

function show() {
  const now = new Date(state.now);
  if (grant() === undefined) selected = newest(state.grants)?.grant_id;
  say("clock", clockTime(now));
  byId("ahead").hidden = state.ahead_seconds === 0;
  say("ahead", `${duration(state.ahead_seconds * 1_000)} ahead`);
  showPhone(grant(), now);
  showGrant(grant(), now);
  showPeople(state.grants, grant(), (grantId) => {
    selected = grantId;
    forgetNotes();
    show();
  });
  for (const id of ["read", "expire", "readers", "remove"]) enable(byId(id));
  enable(byId("store").elements.namedItem("text").nextElementSibling);
}

function enable(button) {
  button.disabled = grant() === undefined || button.getAttribute("aria-busy") === "true";
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
  try {
    state = await get("/demo/state", { since: String(seen) });
    seen = state.timeline.at(-1)?.seq ?? seen;
    addToTimeline(state.timeline);
    byId("trouble").hidden = true;
    show();
  } catch (error) {
    byId("trouble").hidden = false;
    say(
      "trouble",
      error instanceof Refused ? error.message : "The demo does not answer. Start it again with onbehalf demo.",
    );
  }
}

/** Shows beside a button how its action went. */
function showOutcome(id, kind, status, sentence, hint) {
  byId(id).replaceChildren(
    element("span", { class: `status ${kind}` }, status),
    element("span", {}, sentence),
    ...(hint === undefined ? [] : [element("span", { class: "hint" }, hint)]),
  );
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

/** Runs what a button does, once at a time, and shows the outcome. */
async function run(button, outputId, action) {
  button.setAttribute("aria-busy", "true");
  button.disabled = true;
  let done = false;
  try {
    const { status = "done", words, kind = "good" } = await action(selected);
    showOutcome(outputId, kind, status, words);
    done = kind === "good";
  } catch (error) {
    if (error instanceof Refused) {
      showOutcome(
        outputId,
        "bad",
        `${error.status} ${error.code}`,
        sentence(error.message),
        error.hint && sentence(error.hint),
      );
    } else showOutcome(outputId, "bad", "failed", sentence(error.message));
  } finally {
    button.closest("li")?.classList.toggle("done", done);
    button.removeAttribute("aria-busy");
    await look();
    button.disabled = grant() === undefined;
  }
}

function onClick(id, action) {
  byId(id).addEventListener("click", (event) => void run(event.currentTarget, `${id}-said`, action));
}

byId("store").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  void run(form.querySelector("button"), "store-said", async (grantId) => {
    const text = form.elements.namedItem("text").value;
    const { name } = await post("/demo/files", {
      grant: grantId,
      name: `note ${clockTime(new Date(state.now))}.txt`,
      text,
    });
    return { status: "200", words: `Stored as ${name}.` };
  });
});

onClick("read", async (grantId) => {
  byId("notes").replaceChildren();
  byId("notes").hidden = true;
  const { files } = await get("/demo/files", { grant: grantId });
  const texts = await Promise.all(files.map(({ id }) => get(`/demo/files/${id}`, { grant: grantId })));
  byId("notes").replaceChildren(...files.map((file, index) => note(file, texts[index].text, grantId)));
  byId("notes").hidden = files.length === 0;
  return {
    status: "200",
    words: files.length === 0 ? "The folder is empty." : `${count(files.length, "note")} in it.`,
  };
});

function note({ id, name }, text, grantId) {
  const bin = element(
    "button",
    { type: "button", class: "quiet small-button", "aria-label": `Delete ${name}` },
    "Delete",
  );
  const item = element("li", {}, element("span", { class: "file" }, name), element("q", {}, text), bin);
  bin.addEventListener("click", () => {
    void run(bin, "read-said", async () => {
      await remove(`/demo/files/${id}`, { grant: grantId });
      item.remove();
      byId("read").focus();
      return { status: "204", words: `Deleted ${name}.` };
    });
  });
  return item;
}

function forgetNotes() {
  byId("notes").replaceChildren();
  byId("notes").hidden = true;
  for (const id of ["read-said", "store-said"]) byId(id).replaceChildren();
}

onClick("expire", async () => {
  await post("/demo/clock", { advance_seconds: "3700" });
  return {
    words:
      "The access token has expired. The server refreshes a token that is in use by itself, any other when it next needs it.",
  };
});

onClick("readers", async (grantId) => {
  const { readers, served, tokens, refreshes, errors } = await post("/demo/readers", {
    grant: grantId,
    readers: "100",
    advance_seconds: "3700",
  });
  const words = `${served} of ${readers} served, ${count(tokens, "token")}, ${count(refreshes, "refresh", "refreshes")}.`;
  if (errors.length === 0) return { status: `${served}/${readers}`, words };
  return { kind: "bad", status: errors.join(", "), words };
});

onClick("remove", async (grantId) => {
  await post("/demo/revoke-at-google", { grant: grantId });
  return { words: "Google has ended the access. The server learns of it at its next call: press Read or Store." };
});

byId("disconnect").addEventListener("click", (event) => {
  void run(event.currentTarget, "phone-said", async (grantId) => {
    await remove(`/demo/grants/${grantId}`);
    return { words: "The server has revoked the grant at Google and ended it here." };
  });
});

byId("put-away").addEventListener("click", () => {
  putAway(!isAway());
  show();
});

/** Signs a person in, on the phone. */
async function connect(button, options) {
  say("phone-said", "Continue in the sign-in window.");
  button.disabled = true;
  try {
    const person = await signIn(state.client_id, options);
    say("phone-said", person === undefined ? "Not signed in: the person closed the window, or refused." : "");
    if (person !== undefined) {
      selected = person.grant_id;
      forgetNotes();
    }
    if (person?.offline === false) say("phone-said", sentence(person.offline_reason));
  } catch (error) {
    say("phone-said", sentence(error.message));
  } finally {
    button.disabled = false;
    await look();
  }
}

byId("sign-in").addEventListener("click", (event) => void connect(event.currentTarget));
byId("another").addEventListener("click", (event) => void connect(event.currentTarget, { chooseAccount: true }));
byId("ask-again").addEventListener("click", (event) => {
  void connect(event.currentTarget, { loginHint: grant()?.profile.email });
});

await look();
byId("account-page").href = `${state.standin}/account/access`;
try {
  await loadGoogle(state.standin);
  for (const id of ["sign-in", "another", "ask-again"]) byId(id).disabled = false;
} catch (error) {
  say("phone-said", sentence(error.message));
}
setInterval(() => {
  if (document.visibilityState === "visible" && waiting === 0) void look();
}, 1_000);
