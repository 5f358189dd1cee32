import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isServerAlone, newStory, nextAct, order, tell } from "../support/page-modules.ts";
import type { StoryState } from "../support/page-modules.ts";

type Entry = Readonly<Record<string, unknown>>;

const request = (from: string, what: string, status: number, outcome: string, who?: string): Entry => ({
  kind: "request",
  from,
  to: "google",
  what,
  status,
  outcome,
  who,
});
const event = (type: string, id = "g_ada"): Entry => ({ kind: "event", event: type, grant_id: id, what: type });
const authcode: Entry = { kind: "authcode", from: "phone", to: "server", what: "POST /authcode" };
const clock = (seconds: number): Entry => ({ kind: "clock", what: "the clock moves", seconds });
const call = (times: number, status = 200): Entry => ({
  kind: "call",
  from: "program",
  what: "/v1/grants/{ref}/token",
  status,
  times,
});

const signIn = (who = "ada", id = `g_${who}`): Entry[] => [
  request("phone", "GET /o/oauth2/v2/auth", 200, "consent_shown", who),
  authcode,
  request("server", "POST /token", 200, "exchanged", who),
  event("grant_stored", id),
];
const write = request("server", "POST /upload/drive/v3/files", 200, "file_created", "ada");
const list = request("server", "GET /drive/v3/files", 200, "served", "ada");
const note = request("server", "GET /drive/v3/files/1abc", 200, "served", "ada");
const refresh = [request("server", "POST /token", 200, "refreshed", "ada"), event("refreshed")];
const removal = request("person", "POST /account/access", 303, "access_removed", "ada");
const refused = request("server", "POST /token", 400, "invalid_grant", "ada");
const expired = request("server", "GET /drive/v3/files", 401, "unauthorized");
const forbidden = (who: string): Entry => request("server", "GET /drive/v3/files", 403, "insufficient_scope", who);

function story(...entries: readonly (Entry | readonly Entry[])[]): StoryState {
  const told = newStory();
  entries.flat().forEach((entry, index) => tell(told, { ...entry, seq: index + 1 }));
  return told;
}

const active = { state: "active", this_run: true, grant_id: "g_ada" };
const lapsed = { ...active, state: "lapsed" };

describe("the story of the demo's page, read from the timeline", () => {
  const cases: readonly (readonly [
    what: string,
    told: StoryState,
    done: readonly string[],
    next: string | undefined,
  ])[] = [
    ["nothing happened", story(), [], "write"],
    ["a sign-in", story(signIn()), ["sign-in"], "write"],
    ["a sign-in that was refused changes nothing", story(signIn().slice(0, 1)), [], "write"],
    ["a note is written", story(signIn(), write), ["sign-in", "write"], "read"],
    ["a list and its notes are one act", story(signIn(), list, note, note), ["sign-in", "read"], "write"],
    [
      "a day goes by, and a token is got",
      story(signIn(), clock(86_400), refresh, call(1)),
      ["sign-in", "later"],
      "write",
    ],
    ["a day goes by, and nobody asks", story(signIn(), clock(86_400)), ["sign-in"], "write"],
    ["an hour is no day", story(signIn(), clock(3_700), refresh), ["sign-in"], "write"],
    ["a hundred calls", story(signIn(), clock(3_700), refresh, call(60), call(40)), ["sign-in", "readers"], "write"],
    ["a few calls are no crowd", story(signIn(), clock(3_700), refresh, call(3)), ["sign-in"], "write"],
    ["a hundred refused calls are no readers", story(signIn(), clock(3_700), call(100, 409)), ["sign-in"], "write"],
    ["the app is removed", story(signIn(), removal), ["sign-in", "remove"], "write"],
    [
      "the server finds out",
      story(signIn(), expired, refused, refused, event("lapsed")),
      ["sign-in", "find-out"],
      "write",
    ],
    [
      "a write finds out as well",
      story(signIn(), { ...write, status: 401 }, refused, event("lapsed")),
      ["sign-in", "find-out"],
      "write",
    ],
    ["signed in again", story(signIn(), event("lapsed"), signIn()), ["sign-in", "find-out", "again"], "write"],
    ["somebody else is not again", story(signIn(), event("lapsed"), signIn("carl")), ["sign-in", "find-out"], "write"],
    ["disconnected", story(signIn(), event("revoked")), ["sign-in", "disconnect"], "write"],
    [
      "a box unticked, by somebody else",
      story(signIn(), signIn("carl"), forbidden("carl")),
      ["sign-in", "untick"],
      "write",
    ],
    ["a box unticked, by the first person", story(signIn("carl"), forbidden("carl")), ["sign-in", "untick"], "write"],
    ["noise of the background", story(signIn(), refresh, event("provider_back")), ["sign-in"], "write"],
  ];
  for (const [what, told, done, next] of cases) {
    test(`the demo's story: ${what}`, () => {
      assert.deepEqual(
        order.filter((act) => told.done.has(act)),
        done,
      );
      assert.equal(nextAct(told, active), next);
    });
  }

  test("the demo's story: the next act is one that can be done", () => {
    const found = story(signIn(), expired, refused, refused, event("lapsed"));
    assert.equal(nextAct(found, undefined), "sign-in");
    assert.equal(nextAct(found, lapsed), "again");
    assert.equal(nextAct(newStory(), { ...active, this_run: false }), "sign-in");
    const all = newStory();
    for (const act of order) (all.done as Map<string, unknown>).set(act, { entries: [] });
    assert.equal(nextAct(all, lapsed), undefined);
  });

  test("the demo's story: the unticked box belongs to who unticked it, and the first sign-in stays the first person's", () => {
    const told = story(signIn("ada"), signIn("carl"), forbidden("carl"));
    const who = (act: string): unknown[] => told.done.get(act)?.entries.flatMap((entry) => entry["who"] ?? []) ?? [];
    assert.ok(who("sign-in").every((name) => name === "ada"));
    assert.ok(who("untick").length >= 3 && who("untick").every((name) => name === "carl"));
  });

  test("the demo's story: the second of two refusals in a row is the second look, of the same person alone", () => {
    const seconds = (...entries: Entry[]): unknown[] => {
      const told = newStory();
      return entries.map((entry) => {
        const copy: Record<string, unknown> = { ...entry };
        tell(told, copy);
        return copy["second"];
      });
    };
    const carls = { ...refused, who: "carl" };
    assert.deepEqual(seconds(refused, refused), [false, true]);
    assert.deepEqual(seconds(refused, carls), [false, false]);
    assert.deepEqual(seconds(refused, refresh[0] as Entry, refused), [false, false, false]);
    assert.deepEqual(seconds(refused, expired, refused), [false, undefined, true]);
  });

  test("the demo's story: the phone is closed while the server works alone", () => {
    assert.equal(isServerAlone(story(signIn())), false);
    assert.equal(isServerAlone(story(signIn(), write)), true);
    assert.equal(isServerAlone(story(signIn(), write, signIn("carl"))), false);
    assert.equal(isServerAlone(story(signIn(), write, signIn("carl"), forbidden("carl"))), false);
  });
});
