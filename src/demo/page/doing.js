// What the acts' buttons do. Where an act ends in a refusal, that refusal is what the act is to show.
import { Refused, get, post, remove } from "./api.js";
import { readNotes, showNotes } from "./notes.js";
import { signIn } from "./sign-in.js";
import { everythingAllowed, nothingChanged } from "./words.js";

/**
 * By act: what its button does, given the grant's id.
 *
 * @param page what is on the page at that moment: who is selected, the note's text, the demo's time
 */
export function doingOf(page) {
  return {
    "sign-in": () => connect(page.email() === undefined ? {} : { chooseAccount: true }),
    write: (grant) => post("/demo/files", { grant, name: `note ${page.clockTime()}.txt`, text: page.note() }),
    read: async (grant) => showNotes(await readNotes(grant), grant, page.run),
    later: async (grant) => {
      await post("/demo/clock", { advance_seconds: "86400" });
      await post("/demo/token", { grant });
    },
    readers: (grant) => post("/demo/readers", { grant, readers: "100", advance_seconds: "3700" }),
    untick: async () => {
      const { grant_id: grant } = await connect({ loginHint: page.newcomer() });
      const wasRefused = await refusedAs("insufficient_scope", get("/demo/files", { grant }));
      if (!wasRefused) throw new Error(everythingAllowed);
    },
    remove: (grant) => post("/demo/revoke-at-google", { grant }),
    "find-out": (grant) => refusedAs("reauthorization_required", get("/demo/files", { grant })),
    again: () => connect({ loginHint: page.email() }),
    disconnect: (grant) => remove(`/demo/grants/${grant}`),
  };

  /** Signs a person in, on the phone. */
  async function connect(options) {
    const name = page.signedInName();
    const person = await signIn(page.clientId(), options);
    if (person === undefined) throw new Error(nothingChanged(name));
    page.choose(person.grant_id);
    if (person.offline === false) throw new Error(person.offline_reason);
    return person;
  }
}

/** Whether the answer is the refusal that the act is about. */
async function refusedAs(code, asked) {
  try {
    await asked;
    return false;
  } catch (error) {
    if (error instanceof Refused && error.code === code) return true;
    throw error;
  }
}
