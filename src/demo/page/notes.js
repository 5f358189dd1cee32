// The notes that were read back, each with a button that deletes it.
import { get, remove } from "./api.js";
import { byId, element } from "./dom.js";

/** Reads the folder and its notes. */
export async function readNotes(grantId) {
  const { files } = await get("/demo/files", { grant: grantId });
  const texts = await Promise.all(files.map(({ id }) => get(`/demo/files/${id}`, { grant: grantId })));
  return files.map(({ id, name }, index) => ({ id, name, text: texts[index].text }));
}

/** Lists them. `run(button, action)` runs what a button does, and shows how it went. */
export function showNotes(notes, grantId, run) {
  byId("notes").replaceChildren(...notes.map((note) => item(note, grantId, run)));
  byId("notes").hidden = notes.length === 0;
}

function item({ id, name, text }, grantId, run) {
  const bin = element(
    "button",
    { type: "button", class: "quiet small-button", "aria-label": `Delete ${name}` },
    "Delete",
  );
  const shown = element("li", {}, element("span", { class: "file" }, name), element("q", {}, text), bin);
  bin.addEventListener("click", () => {
    void run(bin, async () => {
      await remove(`/demo/files/${id}`, { grant: grantId });
      shown.remove();
      byId("read").focus();
      return `Deleted ${name}.`;
    });
  });
  return shown;
}
