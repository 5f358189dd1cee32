import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { Secret } from "../../../src/index.ts";
import type { GrantState } from "../../../src/index.ts";
import type { GrantChange } from "../../../src/store/store.ts";
import { cacheKey } from "../../../src/vault/tokens/references.ts";
import { AccessToken, TokenCache } from "../../../src/vault/tokens/token-cache.ts";
import type { NewToken } from "../../../src/vault/tokens/token-cache.ts";

const byId = "g_a";
const bySubject = { subject: "ada" };
const byUser = { externalId: "user-1" };
const subjectHash = Buffer.from("the hash of a subject");
const userHash = Buffer.from("user-1 as a hash");
const otherHash = Buffer.from("a hash of somebody else");
/** By what the grant that the cache holds is found. */
const label = Buffer.from("a label as a hash");
const tieOf = (externalHash: Uint8Array, accountHash: Uint8Array = label): GrantChange["ties"][number] => ({
  externalHash,
  accountHash,
});
const found = { subjectHash, ties: [tieOf(userHash)] };

/** A cache that holds the token of generation 2 of one grant, under two references. */
function memory(): TokenCache {
  const held = new TokenCache();
  for (const [key, hashes] of [
    [byId, []],
    [bySubject, [subjectHash]],
    [byUser, [userHash]],
  ] as const) {
    held.keep(key, known("g_a", 2), held.version, { hashes });
  }
  return held;
}

function known(grantId: string, generation: number): NewToken {
  const token = new AccessToken(grantId, new Secret("ya29.a"), 3_600_000, [], {
    provider: "google",
    generation: 1,
    issuedAt: 0,
  });
  const whose = { grantId, provider: "google", clientId: "1-a", issuer: "https://accounts.google.com" };
  return {
    ...whose,
    token,
    generation,
    life: { issuedAt: 0, expiresAt: 3_600_000, isRefreshable: true },
    refreshAt: 2_800_000,
    used: true,
  };
}

describe("the token cache", () => {
  const changes: readonly (readonly [
    string,
    string,
    number,
    GrantState,
    number | null,
    byId: boolean,
    bySubject: boolean,
    accessIssuedAt?: number,
  ])[] = [
    ["a change that it has seen already, such as a refresh of our own", "g_a", 2, "active", 3_600_000, true, true],
    ["a refresh by somebody else", "g_a", 3, "active", 3_600_000, false, false],
    ["an older state, from a restored backup", "g_a", 1, "active", 3_600_000, false, false],
    ["a consent that brought an access token alone", "g_a", 2, "active", 3_700_000, false, false],
    ["a consent whose access token ends at the same time", "g_a", 2, "active", 3_600_000, false, false, 60_000],
    ["a state without any token", "g_a", 2, "active", null, false, false],
    ["doubt", "g_a", 2, "suspect", 3_600_000, false, false],
    ["a lapse", "g_a", 2, "lapsed", 3_600_000, false, false],
    ["the beginning of a revocation", "g_a", 2, "revoking", 3_600_000, false, false],
    ["a revocation", "g_a", 2, "revoked", 3_600_000, false, false],
  ];
  for (const [name, grantId, generation, state, accessExpiresAt, keepsToken, keepsReference, issued] of changes) {
    const accessIssuedAt = issued ?? 0;
    test(`the token cache ${keepsToken ? "keeps" : "forgets"} the token when told of ${name}`, () => {
      const held = memory();
      held.apply([{ grantId, generation, state, accessIssuedAt, accessExpiresAt, ...found }]);
      assert.equal(held.find(byId) !== undefined, keepsToken);
      assert.equal(held.find(bySubject) !== undefined, keepsReference);
    });
  }

  test("the token cache keeps its tokens when there is nothing to apply", () => {
    const held = memory();
    const { version } = held;
    held.apply([]);
    assert.equal(held.version, version);
    assert.ok(held.find(bySubject));
  });

  test("the token cache: a token that was read before the news of its end is not kept", () => {
    const held = new TokenCache();
    const { version } = held;
    held.apply([
      { grantId: "g_a", generation: 2, state: "revoked", accessIssuedAt: null, accessExpiresAt: null, ...found },
    ]);
    held.keep(byId, known("g_a", 2), version);
    assert.equal(held.find(byId), undefined);
  });

  /** What another grant is found by, and which of the references are looked up again. */
  const others: readonly (readonly [string, Partial<GrantChange>, bySubject: boolean, byUser: boolean])[] = [
    ["has nothing in common with it", {}, true, true],
    ["is the same person's, at another provider or of another client", { subjectHash }, false, true],
    ["got the same external id", { ties: [tieOf(otherHash), tieOf(userHash)] }, true, false],
    ["is found by all that it is found by", found, false, false],
    ["was deleted by hand", { subjectHash: null, state: "revoked" }, true, true],
  ];
  for (const [name, change, keepsSubject, keepsUser] of others) {
    test(`the token cache keeps a grant's token when told of another one that ${name}`, () => {
      const held = memory();
      held.apply([changeOf("g_b", change)]);
      assert.ok(held.find(byId));
      assert.equal(held.find(bySubject) !== undefined, keepsSubject);
      assert.equal(held.find(byUser) !== undefined, keepsUser);
    });
  }

  test("the token cache forgets a reference by an external id that the grant has lost, and keeps its token", () => {
    const held = memory();
    held.apply([{ ...changeOf("g_a", found), generation: 2, accessExpiresAt: 3_600_000, ties: [] }]);
    assert.ok(held.find(byId));
    assert.ok(held.find(bySubject));
    assert.equal(held.find(byUser), undefined);
  });

  test("the token cache forgets a reference by a label that the grant has lost, and keeps one by the label that it has", () => {
    const byLabel = { externalId: "user-1", account: "work" };
    const other = Buffer.from("another label");
    for (const [labels, account, isKept] of [
      [[label, otherHash], label, true],
      [[otherHash, label], label, true],
      [[label], other, false],
    ] as const) {
      const held = memory();
      held.keep(byLabel, known("g_a", 2), held.version, { hashes: [userHash], labels });
      const change = { ...changeOf("g_a", found), generation: 2, accessExpiresAt: 3_600_000 };
      held.apply([{ ...change, ties: [tieOf(userHash, account)] }]);
      assert.equal(held.find(byLabel) !== undefined, isKept);
      assert.ok(held.find(byUser), "the user's only account");
    }
  });

  test("the token cache takes no reference for another one, however user ids and labels are written", () => {
    const parts = ["a", "ab", "b", "", "\n", "a\n", "1", "ext", "a\nb"];
    const keys = new Map<string, string>();
    for (const externalId of parts) {
      for (const account of [undefined, ...parts]) {
        for (const kind of ["subject", "externalId"]) {
          const ref = { [kind]: externalId, ...(account === undefined ? {} : { account }) } as never;
          const key = cacheKey(ref);
          assert.equal(keys.get(key), undefined, JSON.stringify(ref));
          keys.set(key, JSON.stringify(ref));
        }
      }
    }
  });

  test("the token cache keeps the references of a thousand grants while a thousand others change", () => {
    const held = new TokenCache();
    const idOf = (n: number): string => `g_${n}`;
    const keyOf = (n: number): { externalId: string } => ({ externalId: `user ${n}` });
    for (let n = 0; n < 1_000; n += 1)
      held.keep(keyOf(n), known(idOf(n), 1), held.version, { hashes: [hashOf(`user ${n}`)] });
    for (let n = 0; n < 1_000; n += 1) {
      held.apply([changeOf(idOf(1_000 + n), { subjectHash: hashOf(`b ${n}`), ties: [tieOf(hashOf(`c ${n}`))] })]);
      held.invalidate([idOf(2_000 + n)]);
    }
    const lost = Array.from({ length: 1_000 }, (_, n) => n).filter((n) => held.find(keyOf(n)) === undefined);
    assert.deepEqual(lost, []);
  });

  const races: readonly (readonly [string, GrantChange, keepsToken: boolean, keepsReference: boolean])[] = [
    ["its own end", changeOf("g_a", { ...found, state: "revoked" }), false, false],
    ["its own refresh elsewhere", changeOf("g_a", { ...found, generation: 3 }), false, false],
    ["another grant of the same app's user", changeOf("g_b", { ties: [tieOf(userHash)] }), true, false],
    ["the end of somebody else's grant", changeOf("g_b", { state: "revoked" }), true, true],
  ];
  for (const [name, change, keepsToken, keepsReference] of races) {
    test(`the token cache: a row that was read before the news of ${name}: token ${keepsToken ? "" : "not "}kept`, () => {
      const held = new TokenCache();
      const { version } = held;
      held.apply([change]);
      held.keep(byUser, known("g_a", 2), version, { hashes: [userHash] });
      assert.equal(held.find(byId) !== undefined, keepsToken);
      assert.equal(held.find(byUser) !== undefined, keepsReference);
    });
  }

  test("the token cache keeps nothing of a row that was read before more changes than it remembers", () => {
    const held = new TokenCache();
    const { version } = held;
    held.apply([changeOf("g_a", { state: "revoked" })]);
    for (let n = 0; n < 30_000; n += 1) held.invalidate([`g_${n}`]);
    held.keep(byId, known("g_a", 2), version);
    assert.equal(held.find(byId), undefined);
  });

  test("the token cache holds as many bytes as it was given, and what is asked for stays while others pass by once", () => {
    const limit = 200_000;
    const held = new TokenCache(limit, () => 0);
    const idOf = (n: number): string => `g_${n}`;
    held.keep(byId, known("g_a", 2), held.version);
    for (let n = 0; n < 5_000; n += 1) {
      const byName = { externalId: `user ${n}` };
      held.keep(byName, known(idOf(n), 1), held.version, { hashes: [hashOf(`user ${n}`)] });
      asked(held, byId);
      asked(held, idOf(0));
    }
    const all = [...held.all()];
    const bytes = all.reduce((sum, token) => sum + token.bytes, 0);
    assert.ok(bytes <= limit && bytes > limit * 0.9, String(bytes));
    assert.ok(held.find(byId) && held.find(idOf(0)), "they were asked for");
    assert.ok(held.find(idOf(4_999)), "the newest");
    const named = Array.from({ length: 5_000 }, (_, n) => n).filter((n) => held.find({ externalId: `user ${n}` }));
    assert.equal(named.length, all.length - 1, "references go with their tokens");
  });

  test("the token cache keeps a part of what is read in turn and does not fit", () => {
    let seed = 7;
    const random = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32;
    const held = new TokenCache(400_000, random);
    const reads = { hit: 0, all: 0 };
    // So many fit, and twice as many are read, one after the other, again and again.
    for (let n = 0; n < 2_000; n += 1) held.keep(`g_${n}`, known(`g_${n}`, 1), held.version);
    const total = [...held.all()].length * 2;
    for (let turn = 0; turn < 8; turn += 1) {
      for (let n = 0; n < total; n += 1) {
        const isHit = asked(held, `g_${n}`);
        if (turn > 2) reads.all += 1;
        if (isHit && turn > 2) reads.hit += 1;
        if (!isHit) held.keep(`g_${n}`, known(`g_${n}`, 1), held.version);
      }
    }
    const share = reads.hit / reads.all;
    assert.ok(share > 0.35, String(share));
  });

  test("the token cache counts what is made of tokens, and drops it with them", () => {
    const held = new TokenCache(100_000, () => 0);
    const home = new Map();
    for (let n = 0; n < 200; n += 1) {
      held.keep(`g_${n}`, known(`g_${n}`, 1), held.version);
      const token = held.find(`g_${n}`) ?? assert.fail();
      token.makeText((made) => `{"token":"${made.token}"}`);
      for (const query of ["", "?a", "?b"]) {
        held.keepAnswer({ home, key: `/token/${n}${query}`, token, next: undefined });
        held.keepAnswer({ home, key: `/token/${n}${query}`, token, next: undefined });
      }
    }
    const all = [...held.all()];
    assert.equal(home.size, all.length * 3);
    assert.ok(all.reduce((sum, token) => sum + token.bytes, 0) <= 100_000);
    assert.equal(all[0]?.token.token, "ya29.a");
    held.invalidate(all.map(({ grantId }) => grantId));
    assert.equal(home.size, 0);
  });

  test("the token cache makes what the library's callers are given once, counts it, and holds no more for it", () => {
    const held = new TokenCache(100_000, () => 0);
    const inAll = (): number => [...held.all()].reduce((sum, token) => sum + token.bytes, 0);
    held.keep(byId, known("g_a", 2), held.version);
    const token = held.find(byId) ?? assert.fail();
    const before = token.bytes;
    const given = held.tokenOf(token);
    assert.equal(given.token, "ya29.a");
    assert.equal(held.tokenOf(token), given);
    assert.ok(token.bytes > before && token.weighed === token.bytes, String(token.bytes));
    for (let n = 0; n < 1_000; n += 1) {
      held.keep(`g_${n}`, known(`g_${n}`, 1), held.version);
      held.tokenOf(held.find(`g_${n}`) ?? assert.fail());
      assert.ok(inAll() <= 100_000);
    }
    held.invalidate([byId]);
    assert.equal(held.tokenOf(token).token, "ya29.a");
    assert.equal(token.weighed, 0, "what is no longer held has no weight");
  });

  test("the token cache holds so many answers of one token, and drops the oldest first", () => {
    const held = new TokenCache();
    const home = new Map();
    held.keep(byId, known("g_a", 2), held.version);
    const token = held.find(byId) ?? assert.fail();
    for (let n = 0; n < 200; n += 1) held.keepAnswer({ home, key: `/token?n=${n}`, token, next: undefined });
    assert.equal(home.size, 64);
    assert.ok(home.has("/token?n=199") && home.has("/token?n=136") && !home.has("/token?n=135"));
  });

  test("the token cache keeps a token that is nowhere else, however full memory is", () => {
    const held = new TokenCache(200_000, () => 0.999);
    for (let n = 0; n < 1_000; n += 1) held.keep(`g_${n}`, known(`g_${n}`, 1), held.version);
    held.keep("g_b", known("g_b", 1), held.version);
    assert.equal(held.find("g_b"), undefined);
    held.keep("g_b", known("g_b", 1), held.version, undefined, true);
    assert.ok(held.find("g_b"));
  });

  test("the token cache: a refreshed token is found by every reference of the one before", () => {
    const held = memory();
    held.keep(byId, known("g_a", 3), held.version);
    for (const ref of [byId, bySubject, byUser]) assert.equal(held.find(ref)?.generation, 3);
    held.apply([changeOf("g_b", { ties: [tieOf(userHash)] })]);
    assert.equal(held.find(byUser), undefined);
    assert.equal(held.find(bySubject)?.generation, 3);
  });
});

function asked(held: TokenCache, ref: Parameters<TokenCache["find"]>[0]): boolean {
  const found = held.find(ref);
  if (found !== undefined) found.isVisited = true;
  return found !== undefined;
}

function changeOf(grantId: string, changes: Partial<GrantChange>): GrantChange {
  const nobody = { subjectHash: otherHash, ties: [] };
  const token = { accessIssuedAt: 0, accessExpiresAt: null };
  return { grantId, generation: 1, state: "active", ...token, ...nobody, ...changes };
}

function hashOf(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
