import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { Secret, keyringFromKeys } from "../../src/index.ts";
import type { Vault } from "../../src/index.ts";
import type { Keyring } from "../../src/crypto/keyring.ts";
import { masterKeysOf } from "../../src/crypto/master-key.ts";
import type { TokenSet } from "../../src/oauth/token-set.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import type { GrantRow } from "../../src/store/grant-row.ts";
import type { Store } from "../../src/store/store.ts";
import type { RescueJournal } from "../../src/vault/keeper/context.ts";
import { keepLateAnswer } from "../../src/vault/keeper/late-answers.ts";
import { rescueFolder, sealForRescue } from "../../src/vault/keeper/refresh/rescue-journal.ts";
import { openStoreKeyring } from "../../src/vault/open/open-keyring.ts";
import { base64url, ellipticMinter, minted } from "../oauth/minting.ts";
import { bentProvider } from "../support/bent-provider.ts";
import type { BentAnswer, BentOptions, BentProvider, Members } from "../support/bent-provider.ts";
import { fails } from "../support/fails.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/test-vault.ts";

const day = 86_400_000;
const ofAnother = fails("provider_unavailable", "answer_of_another_grant");
const key = ellipticMinter("other");

function provider(t: TestContext, options: BentOptions = {}): Promise<BentProvider> {
  return bentProvider(t, {}, { strict: true, idTokenAtRefresh: true, ...options });
}

/** The refresh tokens that were sent, of all grants. */
function sentTokens({ requests }: BentProvider): string[] {
  return requests.flatMap(({ form }) => form["refresh_token"] ?? []);
}

function alarms({ events }: BentProvider): unknown[] {
  return events.filter(({ type }) => type === "answer_of_another_grant");
}

function alarm(grantId: string, claim: string): unknown {
  return { type: "answer_of_another_grant", grantId, provider: "bent", claim };
}

/** Gives each of the next two refreshes the answer of the other one. */
function swapping(): BentProvider["bend"] {
  let first: { readonly body: Members; readonly answerWith: (other: BentAnswer) => void } | undefined;
  return {
    token(body) {
      if (first === undefined) return new Promise<BentAnswer>((answerWith) => (first = { body, answerWith }));
      first.answerWith({ body });
      return { body: first.body };
    },
  };
}

describe("two people whose refresh answers a proxy swaps", () => {
  for (const rotation of ["strict", "none"] as const) {
    test(`get nothing of each other, now or later: rotation ${rotation}`, async (t) => {
      const bent = await provider(t, { strict: rotation === "strict", provider: { rotation } });
      const { vault, clock } = bent;
      const ada = await vault.grant((await bent.connect("ada/1")).grantId);
      const bob = await vault.grant((await bent.connect("bob/1")).grantId);
      clock.advance(day);
      bent.bend = swapping();
      await Promise.all([ada, bob].map(({ grantId }) => assert.rejects(vault.getAccessToken(grantId), ofAnother)));
      for (const { grantId } of [ada, bob]) {
        const { generation, state, lastError } = await vault.grant(grantId);
        assert.deepEqual([generation, state], [1, rotation === "strict" ? "suspect" : "active"]);
        assert.equal(lastError?.error, "answer_of_another_grant");
      }
      const told = [ada, bob].map(({ grantId }) => alarm(grantId, "sub"));
      assert.deepEqual(new Set(alarms(bent)), new Set(told));

      bent.bend = {};
      clock.advance(day);
      for (const { grantId, subject } of [ada, bob]) {
        if (rotation === "strict") {
          // Its own token is used up, and the new one never came.
          await assert.rejects(vault.getAccessToken(grantId), fails("reauthorization_required"));
        } else {
          await vault.getAccessToken(grantId);
          assert.deepEqual(
            [(await vault.grant(grantId)).subject, (await vault.grant(grantId)).generation],
            [subject, 2],
          );
        }
      }
      assert.deepEqual([...new Set(sentTokens(bent))].toSorted(), ["rt-1", "rt-2"]);
    });
  }

  test("get nothing of each other where the answers are forms, cut off, or without an access token", async (t) => {
    const shapes: readonly ((healthy: Members) => BentAnswer)[] = [
      (healthy) => ({ text: new URLSearchParams(healthy as Record<string, string>).toString() }),
      (body) => ({ body, cutAfter: JSON.stringify(body).length - 1 }),
      (body) => ({ body: { ...body, access_token: undefined } }),
      (body) => ({ body: { ...body, refresh_token: ["rt-x", body["refresh_token"]] } }),
    ];
    for (const shape of shapes) {
      const bent = await provider(t);
      const { grantId } = await bent.connect("ada/1");
      bent.clock.advance(day);
      bent.bend = {
        claims: () => ({ sub: "bob" }),
        token: (healthy, { form }) => (form["grant_type"] === "refresh_token" ? shape(healthy) : undefined),
      };
      await assert.rejects(bent.vault.getAccessToken(grantId), ofAnother);
      bent.bend = {};
      bent.clock.advance(day);
      await assert.rejects(bent.vault.getAccessToken(grantId), fails("reauthorization_required"));
      assert.deepEqual([...new Set(sentTokens(bent))], ["rt-1"]);
    }
  });
});

test("an answer that a cache serves a second time, to another person, is refused, and that person's own token is sent again", async (t) => {
  const bent = await provider(t);
  const { vault, clock } = bent;
  const { grantId: ada } = await bent.connect("ada/1");
  const { grantId: bob } = await bent.connect("bob/1");
  clock.advance(day);
  let cached: Members | undefined;
  bent.bend = {
    token(healthy) {
      // The second request ends at the cache: the provider never sees it.
      if (cached !== undefined) return { body: cached, spends: false };
      cached = healthy;
      return undefined;
    },
  };
  assert.equal((await vault.getAccessToken(ada)).token, "at-3");
  await assert.rejects(vault.getAccessToken(bob), ofAnother);
  bent.bend = {};
  clock.advance(day);
  assert.equal((await vault.getAccessToken(bob)).token, "at-5");
  assert.equal((await vault.getAccessToken(ada)).token, "at-6");
  assert.deepEqual(sentTokens(bent), ["rt-1", "rt-2", "rt-2", "rt-3"]);
  for (const grantId of [ada, bob]) assert.equal((await vault.grant(grantId)).state, "active");
});

describe("the ID token of a refresh", () => {
  /** Claims that differ from those of ada's grant, and the claim that gives them away; undefined: the answer is hers. */
  const cases: readonly (readonly [string, (url: string) => Members, string?])[] = [
    ["names another person", () => ({ sub: "bob" }), "sub"],
    ["names the person in other capitals", () => ({ sub: "ADA" }), "sub"],
    ["names a person by a number", () => ({ sub: 7 }), "sub"],
    ["names nobody", () => ({ sub: undefined })],
    ["has an empty sub", () => ({ sub: "" })],
    ["has a sub of null", () => ({ sub: null })],
    ["has a list for a sub", () => ({ sub: ["bob"] })],
    ["has a number for a sub whose digits JSON has lost", () => ({ sub: 107_691_503_500_061_500_000 })],
    ["names another client", () => ({ aud: "another" }), "aud"],
    ["names other clients", () => ({ aud: ["another", "third"] }), "aud"],
    ["names our client beside another", () => ({ aud: ["another", "cid"] })],
    ["has no aud", () => ({ aud: undefined })],
    ["has an empty list for an aud", () => ({ aud: [] })],
    ["has an aud that is no text", () => ({ aud: { a: 1 } })],
    ["names another issuer", () => ({ iss: "https://other.example" }), "iss"],
    ["names another issuer by a word", () => ({ iss: "other.example" }), "iss"],
    ["names the issuer by another name that we know", () => ({ iss: "issuer.example" })],
    ["names the issuer of a tenant", () => ({ iss: "https://tenants.example/t-1/v2.0", tid: "t-1" })],
    [
      "names the issuer of another tenant than its own",
      () => ({ iss: "https://tenants.example/t-1", tid: "t-2" }),
      "iss",
    ],
    ["has one slash more in its issuer", (url) => ({ iss: `${url}/` })],
    ["has no issuer", () => ({ iss: undefined })],
    ["has expired", () => ({ exp: 1, iat: 0 })],
    ["names another person's azp, which an app on a phone has", () => ({ azp: "phone" })],
  ];
  const alsoIssuedAs = ["issuer.example", "https://tenants.example/{tid}/v2.0"];
  for (const [what, claims, claim] of cases) {
    test(`${what}: the answer is ${claim === undefined ? "the grant's own" : `refused for its ${claim}`}`, async (t) => {
      const bent = await provider(t, { provider: { alsoIssuedAs } });
      const { grantId } = await bent.connect("ada/1");
      bent.clock.advance(day);
      bent.bend = { claims };
      if (claim === undefined) assert.equal((await bent.vault.getAccessToken(grantId)).token, "at-2");
      else await assert.rejects(bent.vault.getAccessToken(grantId), ofAnother);
      assert.equal((await bent.vault.grant(grantId)).generation, claim === undefined ? 2 : 1);
      assert.deepEqual(alarms(bent), claim === undefined ? [] : [alarm(grantId, claim)]);
    });
  }

  test("is a number of the same digits as the person's sub: the answer is the grant's own", async (t) => {
    const bent = await provider(t);
    const { grantId } = await bent.connect("7/1");
    bent.clock.advance(day);
    bent.bend = { claims: () => ({ sub: 7 }) };
    assert.equal((await bent.vault.getAccessToken(grantId)).token, "at-2");
  });

  /** ID tokens that nobody can read. */
  const unreadable: Readonly<Record<string, unknown>> = {
    "is a word": "nonsense",
    "is empty": "",
    "is null": null,
    "is a list": ["a.b.c"],
    "is encrypted": "a.b.c.d.e",
    "has claims that are no JSON": `a.${base64url("nonsense")}.c`,
    "has a list for claims": `a.${base64url([{ sub: "bob" }])}.c`,
  };
  for (const [what, idToken] of Object.entries(unreadable)) {
    test(`${what}: the refresh token is not lost for it`, async (t) => {
      const bent = await provider(t);
      const { grantId } = await bent.connect("ada/1");
      bent.bend = { token: (healthy) => ({ body: { ...healthy, id_token: idToken } }) };
      for (const token of ["at-2", "at-3"]) {
        bent.clock.advance(day);
        assert.equal((await bent.vault.getAccessToken(grantId)).token, token);
      }
      assert.deepEqual([sentTokens(bent), alarms(bent)], [["rt-1", "rt-2"], []]);
    });
  }

  test("names another person each time for one grant: nobody else is held up for it", async (t) => {
    const bent = await provider(t, { strict: false, provider: { rotation: "none" } });
    const { vault, clock } = bent;
    const { grantId: ada } = await bent.connect("ada/1");
    const { grantId: bob } = await bent.connect("bob/1");
    bent.bend = { claims: (_, { form }) => (form["refresh_token"] === "rt-1" ? { sub: "eve" } : {}) };
    for (let n = 0; n < 8; n++) {
      clock.advance(day);
      await assert.rejects(vault.getAccessToken(ada), fails("provider_unavailable"));
    }
    assert.match((await vault.getAccessToken(bob)).token, /^at-/);
  });
});

/** What an earlier version would have kept: another person's answer. */
function foreign(url: string): TokenSet {
  const idToken = minted(key, { iss: url, aud: "cid", sub: "bob" });
  return {
    accessToken: new Secret("at-foreign"),
    refreshToken: new Secret("rt-foreign"),
    expiresInSeconds: 3_600,
    idToken: new Secret(idToken),
  };
}

/** A grant of ada in a file, and what the keeper has of it. */
async function opened(
  t: TestContext,
  options: BentOptions = {},
): Promise<{
  readonly bent: BentProvider;
  readonly grant: GrantRow;
  readonly store: Store;
  readonly keyring: Keyring;
  readonly journal: RescueJournal;
  /** Opens one more vault over the same store and rescue folder. */
  readonly open: () => Promise<Vault>;
}> {
  const folder = await temporaryFolder(t);
  const path = `${folder}/rescue`;
  const journal = rescueFolder(path);
  const openStore = (): Store => sqlite(`${folder}/grants.db`);
  const bent = await provider(t, { ...options, vault: { store: openStore(), rescueFolder: path } });
  const { grantId } = await bent.connect("ada/1");
  const store = openStore();
  await store.open({ clock: bent.clock });
  t.after(() => store.close());
  const keyring = await openStoreKeyring(store, await masterKeysOf(keyringFromKeys(bent.key)));
  const grant = (await store.grantById(grantId)) ?? assert.fail("the grant is stored");
  const open = (): Promise<Vault> => bent.open({ store: openStore(), rescueFolder: path });
  return { bent, grant, store, keyring, journal, open };
}

describe("another person's answer", () => {
  test("that an earlier version kept beside a grant is never sent", async (t) => {
    const { bent, grant, ...sealed } = await opened(t);
    await keepLateAnswer(sealed, grant, { tokens: foreign(bent.url), receivedAt: bent.clock.now() });
    bent.bend = { token: () => ({ status: 400, body: { error: "invalid_grant" } }) };
    bent.clock.advance(day);
    await assert.rejects(bent.vault.getAccessToken(grant.grantId), fails("reauthorization_required"));
    assert.deepEqual(sentTokens(bent), ["rt-1"]);
    assert.deepEqual(alarms(bent), [alarm(grant.grantId, "sub")]);
  });

  test("that an earlier version kept beside a grant is not revoked with it", async (t) => {
    const { bent, grant, store, keyring } = await opened(t);
    const { grantId } = grant;
    await keepLateAnswer({ store, keyring }, grant, { tokens: foreign(bent.url), receivedAt: bent.clock.now() });
    assert.equal((await bent.vault.revoke(grantId)).state, "revoked");
    assert.deepEqual(
      bent.requests.flatMap(({ path, form }) => (path === "/revoke" ? form["token"] : [])),
      ["rt-1"],
    );
    assert.deepEqual(await store.lateAnswersOf(grantId), []);
    assert.deepEqual(alarms(bent), [alarm(grantId, "sub")]);
  });

  test("to the refresh token of a late answer is not committed, and that token is kept", async (t) => {
    const { bent, grant, ...sealed } = await opened(t, { strict: false });
    const { grantId } = grant;
    const late = { tokens: { refreshToken: new Secret("rt-late") }, receivedAt: bent.clock.now() };
    await keepLateAnswer(sealed, grant, late);
    bent.bend = {
      claims: () => ({ sub: "bob" }),
      token: (_, { form }) =>
        form["refresh_token"] === "rt-1" ? { status: 400, body: { error: "invalid_grant" } } : undefined,
    };
    bent.clock.advance(day);
    await assert.rejects(bent.vault.getAccessToken(grantId), ofAnother);
    assert.deepEqual([sentTokens(bent), (await bent.vault.grant(grantId)).generation], [["rt-1", "rt-late"], 1]);
    bent.bend = { ...bent.bend, claims: () => ({ sub: "ada" }) };
    bent.clock.advance(day);
    assert.equal((await bent.vault.getAccessToken(grantId)).token, "at-5");
  });

  test("that an earlier version left in the rescue folder is not committed", async (t) => {
    const { bent, grant, store, keyring, journal, open } = await opened(t);
    await journal.keep(sealForRescue(keyring, grant, { tokens: foreign(bent.url), receivedAt: bent.clock.now() }));
    const next = await open();
    await until(() => journal.kept().length === 0);
    assert.deepEqual(await store.lateAnswersOf(grant.grantId), []);
    bent.clock.advance(day);
    assert.equal((await next.getAccessToken(grant.grantId)).token, "at-2");
    assert.deepEqual(sentTokens(bent), ["rt-1"]);
    assert.ok(alarms(bent).length > 0);
  });
});
