import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMarkDue, maySendAtStandstill, recognise, restingMs, restoreSince } from "../../src/core/epoch.ts";
import type { StoreMark, StorePlace, StoreSelf, KeptMark } from "../../src/core/epoch.ts";

const now = Date.parse("2026-11-27T03:00:00Z");
const hour = 3_600_000;
const file: StorePlace = { id: "17", path: "/var/lib/onbehalf.db" };
const server: StorePlace = { id: "7712 16384", path: "postgres://db/onbehalf", timeline: 3 };

const mark = (changes: Partial<StoreMark> = {}): StoreMark => {
  return { markNo: 8, mark: "eighth", at: now - 60_000, changeSeq: 100, place: file, ...changes };
};
const self = (changes: Partial<StoreSelf> = {}): StoreSelf => {
  return { changeSeq: 120, lastMark: mark(), markThere: "eighth", epoch: 0, settledAt: null, ...changes };
};
const kept = (changes: Partial<KeptMark> = {}): KeptMark => {
  return { markNo: 8, mark: "eighth", changeSeq: 120, place: file, epoch: 0, ...changes };
};

interface Facts {
  readonly self: StoreSelf;
  readonly kept?: KeptMark;
  readonly place?: StorePlace;
}

const onServer = { lastMark: mark({ place: server }) };

/** What has happened, and what is made of it, for a file and for a server that may have replicas. */
const cases: readonly (readonly [string, Facts, file: string | undefined, server?: string])[] = [
  ["it is new", { self: self({ lastMark: undefined, markThere: undefined }) }, "known", "known"],
  ["nothing has happened", { self: self(), kept: kept() }, "known", "known"],
  ["others have gone on", { self: self({ changeSeq: 500 }), kept: kept() }, "known", "known"],
  [
    "others have marked it since",
    { self: self({ lastMark: mark({ markNo: 11, mark: "eleventh" }) }), kept: kept() },
    "known",
    "known",
  ],
  [
    "it was away for so long that its mark is forgotten",
    { self: self({ lastMark: mark({ markNo: 9_000 }), markThere: undefined }), kept: kept() },
    "known",
    "known",
  ],
  [
    "a backup from before the last mark was restored",
    { self: self({ lastMark: mark({ markNo: 7 }), markThere: undefined }), kept: kept() },
    "restored",
    "restored",
  ],
  [
    "a backup from before the first mark was restored",
    { self: self({ lastMark: undefined, markThere: undefined, changeSeq: 0 }), kept: kept() },
    "restored",
    "restored",
  ],
  [
    "a backup was restored, and has gone on elsewhere past what is remembered",
    { self: self({ changeSeq: 900, lastMark: mark({ markNo: 20 }), markThere: "another" }), kept: kept() },
    "restored",
    "restored",
  ],
  [
    "a backup from a moment ago was restored, or a replica took over that had lost the last commits",
    { self: self({ changeSeq: 117 }), kept: kept() },
    "restored",
    "behind",
  ],
  [
    "it was moved, with the folder beside it",
    { self: self(), kept: kept(), place: { ...file, path: "/new/onbehalf.db" } },
    "known",
  ],
  ["its file has another number after a start", { self: self(), kept: kept(), place: { ...file, id: "99" } }, "known"],
  [
    "its file and the folder beside it were copied",
    { self: self(), kept: kept(), place: { id: "99", path: "/staging/onbehalf.db" } },
    "copied",
  ],
  ["nothing is remembered", { self: self() }, "known"],
  ["its file alone was moved", { self: self(), place: { ...file, path: "/new/onbehalf.db" } }, "known"],
  [
    "its file alone was copied, or restored on another machine",
    { self: self(), place: { ...file, id: "99" } },
    "copied",
  ],
  ["nobody can tell where it is", { self: self(), place: { ...file, id: "" } }, "known", "known"],
  ["nothing is remembered of a server", { self: self(onServer), place: server }, undefined, "known"],
  [
    "a replica took over, and nothing is remembered",
    { self: self(onServer), place: { ...server, timeline: 4 } },
    undefined,
    "known",
  ],
  [
    "a server went back to yesterday, and nothing is remembered",
    { self: self({ lastMark: mark({ place: server, at: now - 24 * hour }) }), place: { ...server, timeline: 4 } },
    undefined,
    "restored",
  ],
  [
    "nobody used a server since yesterday",
    { self: self({ lastMark: mark({ place: server, at: now - 24 * hour }) }), place: server },
    undefined,
    "known",
  ],
  [
    "a dump was loaded on another server, as for staging",
    { self: self(onServer), place: { ...server, id: "9999 16384" } },
    undefined,
    "copied",
  ],
  [
    "it was upgraded or moved to another server, and the folder came along",
    {
      self: self(onServer),
      kept: kept({ place: server }),
      place: { ...server, id: "9999 5", path: "postgres://new/onbehalf" },
    },
    undefined,
    "known",
  ],
  [
    "an operator has settled it, and nobody has marked it since",
    {
      self: self({ epoch: 1, settledAt: now - 1_000, markThere: undefined }),
      kept: kept(),
      place: { ...file, id: "99" },
    },
    "known",
    "known",
  ],
  [
    "it was settled and marked, and another machine remembers what was before",
    { self: self({ epoch: 1, settledAt: now - 90_000, changeSeq: 50, markThere: "another" }), kept: kept() },
    "known",
    "known",
  ],
  [
    "after it was settled, a backup from before that was restored once more",
    { self: self({ lastMark: mark({ markNo: 5 }), markThere: undefined }), kept: kept({ epoch: 1 }) },
    "restored",
    "restored",
  ],
];

describe("recognise", () => {
  for (const [what, { self: says, kept: remembered, place }, onDisk, replicated] of cases) {
    for (const [isReplicated, expected] of [
      [false, onDisk],
      [true, replicated],
    ] as const) {
      if (expected === undefined) continue;
      test(`a ${isReplicated ? "server's database" : "file"} is ${expected} where ${what}`, () => {
        const here = place ?? remembered?.place ?? says.lastMark?.place ?? file;
        assert.equal(recognise({ self: says, kept: remembered, place: here, isReplicated, now }).is, expected);
      });
    }
  }

  test("a mark that is not old enough keeps a forked history from being taken for an old backup", () => {
    const at = (ago: number): string => {
      const says = self({ lastMark: mark({ place: server, at: now - ago }) });
      return recognise({ self: says, kept: undefined, place: { ...server, timeline: 4 }, isReplicated: true, now }).is;
    };
    assert.deepEqual([at(restingMs), at(restingMs + 1)], ["known", "restored"]);
  });
});

test("a store is marked each minute while it changes, each hour while it does not, and again after an operator's word", () => {
  const due = (changes: Partial<StoreSelf>, ago: number): boolean =>
    isMarkDue(self({ lastMark: mark({ at: now - ago }), ...changes }), now);
  assert.deepEqual([due({}, 59_999), due({}, 60_000)], [false, true]);
  assert.deepEqual([due({ changeSeq: 100 }, hour - 1), due({ changeSeq: 100 }, hour)], [false, true]);
  assert.equal(isMarkDue(self({ lastMark: undefined }), now), true);
  assert.equal(due({ settledAt: now - 1_000 }, 2_000), true);
  assert.equal(due({ settledAt: now - 3_000 }, 2_000), false);
  assert.equal(due({}, -5_000), true, "a clock was ahead");
});

test("at a standstill a token is sent only where a caller waits and the provider does not rotate", () => {
  const rotations = ["none", "strict", { graceSeconds: 60 }] as const;
  assert.deepEqual(
    rotations.map((each) => maySendAtStandstill(each, "interactive")),
    [true, false, false],
  );
  assert.deepEqual(
    rotations.map((each) => maySendAtStandstill(each, "background")),
    [false, false, false],
  );
});

test("a grant came back with a backup as long as it was not exchanged after the restore, and the store was not only moved", () => {
  const restore = { noticedAt: now, backupAt: now - hour, outcome: "restored" } as const;
  assert.equal(restoreSince([restore], now - 1), restore);
  assert.equal(restoreSince([restore], null), restore);
  assert.equal(restoreSince([restore], now), undefined);
  assert.equal(restoreSince([{ ...restore, outcome: "moved" }], null), undefined);
});
