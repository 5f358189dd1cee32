import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../src/index.ts";
import type { Vault } from "../../src/index.ts";
import { bentProvider } from "../support/bent-provider.ts";
import type { BentAnswer, BentProvider, Members } from "../support/bent-provider.ts";
import { fails } from "../support/fails.ts";

const day = 86_400_000;

/** The refresh tokens that the provider was sent. */
function sentTokens({ requests }: BentProvider): string[] {
  return requests.flatMap(({ form }) => form["refresh_token"] ?? []);
}

async function tokenOf(vault: Vault, grantId: string): Promise<string | undefined> {
  try {
    return (await vault.getAccessToken(grantId)).token;
  } catch (error) {
    assert.ok(isOnbehalfError(error, "provider_unavailable"), String(error));
    return undefined;
  }
}

test("a provider whose answers nobody bends is served for days, and each refresh token is sent once", async (t) => {
  const provider = await bentProvider(t, {}, { strict: true });
  const { grantId } = await provider.connect("ada/1");
  for (let days = 0; days < 3; days++) {
    provider.clock.advance(day);
    assert.equal((await provider.vault.getAccessToken(grantId)).token, `at-${days + 2}`);
  }
  assert.equal((await provider.vault.grant(grantId)).subject, "ada");
  assert.deepEqual(sentTokens(provider), ["rt-1", "rt-2", "rt-3"]);
});

const spelled = (change: (text: string) => string) => (answer: Members) => ({ text: change(JSON.stringify(answer)) });
const spelled16 =
  (encoding: BufferEncoding, before = "") =>
  (answer: Members) => ({ text: Buffer.from(before + JSON.stringify(answer), encoding) });
const with_ = (changes: Members) => (answer: Members) => ({ body: { ...answer, ...changes } });

describe("a refresh whose answer is odd", () => {
  /** Answers whose access token is good for use, and whose refresh token is the only one from then on. */
  const usable: Readonly<Record<string, (answer: Members) => BentAnswer>> = {
    ...Object.fromEntries(
      ["jwt-bearer", "BearerToken", "JWT", "user", "", "Bearer ", "bearer", 7, null, ["Bearer"], {}].map((type) => [
        `a token_type of ${JSON.stringify(type)}`,
        with_({ token_type: type }),
      ]),
    ),
    "members that nobody knows": with_({ ok: true, padding: { a: [1] } }),
    "an expires_in of nonsense": with_({ expires_in: { a: 1 } }),
    "a scope of nonsense": with_({ scope: 7 }),
    "an id_token of nonsense": with_({ id_token: [7] }),
    "a body of 300 KB": with_({ padding: "x".repeat(300_000) }),
    "a byte order mark": spelled((text) => `\ufeff${text}`),
    "16 bits a character": spelled16("utf16le"),
    "16 bits a character and a byte order mark": spelled16("utf16le", "\ufeff"),
    "the whole header as its access token": (answer) => ({
      body: { ...answer, access_token: `Bearer ${String(answer["access_token"])}` },
    }),
    "the type of a page": (body) => ({ headers: { "content-type": "text/html" }, body }),
    "a form": (answer) => ({ text: new URLSearchParams(answer as Record<string, string>).toString() }),
    "a body that is cut off at its last brace": (body) => ({ body, cutAfter: JSON.stringify(body).length - 1 }),
    "something after its end": spelled((text) => `${text}\n<!-- web-3 -->`),
    "status 201": (body) => ({ status: 201, body }),
    "an error beside the tokens": with_({ error: "" }),
  };
  for (const [what, bend] of Object.entries(usable)) {
    test(`a refresh whose answer has ${what} brings its token, and the next one sends the new refresh token`, async (t) => {
      const provider = await bentProvider(t, { token: (answer) => bend(answer) }, { strict: true });
      provider.bend = {};
      const { grantId } = await provider.connect();
      provider.bend = { token: (answer) => bend(answer) };
      provider.clock.advance(day);
      assert.equal(await tokenOf(provider.vault, grantId), "at-2");
      provider.bend = {};
      provider.clock.advance(day);
      assert.equal(await tokenOf(provider.vault, grantId), "at-3");
      assert.deepEqual(sentTokens(provider), ["rt-1", "rt-2"]);
      assert.deepEqual((await provider.vault.grant(grantId)).scopes, ["openid", "files"]);
    });
  }

  /** Answers without an access token that anybody could use. */
  const tokenless: Readonly<Record<string, (answer: Members) => BentAnswer>> = {
    ...Object.fromEntries(
      ["mac", "DPoP", "N_A", "pop"].map((type) => [`a token_type of ${type}`, with_({ token_type: type })]),
    ),
    ...Object.fromEntries(
      [undefined, null, "", 7, {}, "a b", "a\r\nx: y", "ä", "x".repeat(70_000)].map((token) => [
        `an access_token of ${JSON.stringify(token)?.slice(0, 20)}`,
        with_({ access_token: token }),
      ]),
    ),
    "nothing but a refresh token": ({ refresh_token: token }) => ({ body: { refresh_token: token } }),
    "a body that is cut off after the refresh token": ({ refresh_token: token }) => ({
      text: `{"refresh_token":"${String(token)}","access_token":"at`,
      cutAfter: 30,
    }),
  };
  for (const [what, bend] of Object.entries(tokenless)) {
    test(`a refresh whose answer has ${what} keeps the refresh token, waits, and refreshes with it`, async (t) => {
      const provider = await bentProvider(t, {}, { strict: true });
      const { grantId } = await provider.connect();
      provider.bend = { token: (answer) => bend(answer) };
      provider.clock.advance(day);
      await assert.rejects(provider.vault.getAccessToken(grantId), fails("provider_unavailable", "no_access_token"));
      const grant = await provider.vault.grant(grantId);
      assert.deepEqual(
        [grant.state, grant.generation, grant.offline, grant.accessExpiresAt, grant.lastError?.error],
        ["active", 2, true, undefined, "no_access_token"],
      );
      provider.bend = {};
      provider.clock.advance(day);
      assert.equal(await tokenOf(provider.vault, grantId), "at-3");
      assert.deepEqual(sentTokens(provider), ["rt-1", "rt-2"]);
      assert.equal((await provider.vault.grant(grantId)).lastError, undefined);
    });
  }

  test("a refresh whose answer has no access token leaves the one that lives in use", async (t) => {
    const provider = await bentProvider(t, {}, { strict: true });
    const { grantId } = await provider.connect();
    provider.bend = { token: ({ refresh_token: token }) => ({ body: { refresh_token: token } }) };
    provider.clock.advance(3_590_000);
    assert.equal(await tokenOf(provider.vault, grantId), "at-1");
    assert.equal((await provider.vault.grant(grantId)).generation, 2);
    provider.clock.advance(1_000);
    assert.equal(await tokenOf(provider.vault, grantId), "at-1");
  });

  test("a refresh whose answers never have an access token is not asked for again and again", async (t) => {
    const provider = await bentProvider(t, {}, { strict: true, vault: { random: () => 0.99 } });
    const { grantId } = await provider.connect();
    provider.bend = { token: ({ refresh_token: token }) => ({ body: { refresh_token: token } }) };
    provider.clock.advance(day);
    for (let n = 0; n < 8; n++) {
      await tokenOf(provider.vault, grantId);
      provider.clock.advance(40_000);
    }
    const asked = provider.count("/token");
    for (let n = 0; n < 50; n++) await tokenOf(provider.vault, grantId);
    assert.ok(provider.count("/token") <= asked + 1, "within one back-off");
    assert.equal((await provider.vault.grant(grantId)).state, "active");
  });

  /** What stands in place of the refresh token, and the tokens that are sent from then on. */
  const instead: readonly (readonly [string, (token: string) => unknown, readonly string[]])[] = [
    ["a number", () => 4711, ["4711"]],
    ["a list of one", (token) => [token], ["rt-2"]],
    ["an object with one text", (token) => ({ value: token, ttl: 9 }), ["rt-2"]],
    ["a list of two", (token) => ["rt-none", token], ["rt-1", "rt-2"]],
    ["an object with two texts", (token) => ({ old: "rt-none", next: token }), ["rt-1", "rt-2"]],
    ["yes", () => true, ["rt-1"]],
    ["an empty text", () => "", ["rt-1"]],
    ["nothing in an object", () => ({}), ["rt-1"]],
    ["null as a word", () => "null", ["rt-1"]],
    ["a zero", () => 0, ["rt-1"]],
  ];
  for (const [what, spell, expected] of instead) {
    test(`a refresh whose answer has ${what} for a refresh token replaces no good one by nonsense`, async (t) => {
      const provider = await bentProvider(t, {}, { strict: true });
      const { grantId } = await provider.connect();
      provider.bend = {
        token: (answer) => ({ body: { ...answer, refresh_token: spell(String(answer["refresh_token"])) } }),
      };
      provider.clock.advance(day);
      assert.equal(await tokenOf(provider.vault, grantId), "at-2");
      provider.bend = {};
      provider.clock.advance(day);
      await provider.vault.getAccessToken(grantId).catch(() => undefined);
      // In which order several are tried does not matter.
      const sent = new Set(sentTokens(provider).slice(1));
      sent.delete("rt-none");
      assert.deepEqual([...sent].toSorted(), expected.toSorted());
      const isThere = expected.includes("rt-2");
      if (isThere) assert.equal((await provider.vault.grant(grantId)).state, "active");
    });
  }

  const page = (token: unknown): string =>
    `<!DOCTYPE html><script>state = {"access_token":"at-page","refresh_token":"${String(token)}"}</script>`;
  test("a refresh whose answer is a page with tokens in it replaces no good one by what stands there", async (t) => {
    const provider = await bentProvider(t, {}, { strict: true });
    const { grantId } = await provider.connect();
    provider.bend = { token: () => ({ text: page("rt-page"), spends: false }) };
    provider.clock.advance(day);
    assert.equal(await tokenOf(provider.vault, grantId), undefined);
    provider.bend = {};
    for (let days = 0; days < 3; days++) {
      provider.clock.advance(day);
      assert.match((await tokenOf(provider.vault, grantId)) ?? "", /^at-\d$/);
    }
    assert.deepEqual(sentTokens(provider), ["rt-1", "rt-1", "rt-3", "rt-4"]);
  });

  test("a refresh whose answer is a page that holds the only good token does not lose it", async (t) => {
    const provider = await bentProvider(t, {}, { strict: true });
    const { grantId } = await provider.connect();
    provider.bend = { token: ({ refresh_token: token }) => ({ text: page(token) }) };
    provider.clock.advance(day);
    assert.equal(await tokenOf(provider.vault, grantId), undefined);
    provider.bend = {};
    provider.clock.advance(day);
    assert.equal(await tokenOf(provider.vault, grantId), "at-3");
    assert.deepEqual(sentTokens(provider), ["rt-1", "rt-1", "rt-2"]);
  });

  test("a refresh whose answer has white space around its refresh token loses neither spelling", async (t) => {
    const provider = await bentProvider(t, {}, { strict: true });
    const { grantId } = await provider.connect();
    provider.bend = {
      token: (answer) => ({ body: { ...answer, refresh_token: ` ${String(answer["refresh_token"])}\n` } }),
    };
    provider.clock.advance(day);
    assert.equal(await tokenOf(provider.vault, grantId), "at-2");
    provider.bend = {};
    provider.clock.advance(day);
    assert.equal(await tokenOf(provider.vault, grantId), "at-3");
    assert.deepEqual(sentTokens(provider), ["rt-1", " rt-2\n", "rt-2"]);
  });

  test("a refresh whose answer has its refresh token twice loses neither, whichever of them the provider means", async (t) => {
    for (const order of [
      ["rt-none", "rt-2"],
      ["rt-2", "rt-none"],
      ["rt-2", ""],
    ]) {
      const provider = await bentProvider(t, {}, { strict: true });
      const { grantId } = await provider.connect();
      const members = order.map((token) => `"refresh_token":"${token}"`).join(",");
      provider.bend = { token: () => ({ text: `{"access_token":"at-2",${members}}` }) };
      provider.clock.advance(day);
      assert.equal(await tokenOf(provider.vault, grantId), "at-2");
      provider.bend = {};
      provider.clock.advance(day);
      assert.equal(await tokenOf(provider.vault, grantId), "at-3", order.join());
    }
  });
});

describe("a code whose answer is odd", () => {
  /** Answers of which a grant becomes that refreshes at its first use, or is used at once. */
  const good: readonly (readonly [string, (answer: Members) => BentAnswer, string])[] = [
    ["a token_type of jwt-bearer", with_({ token_type: "jwt-bearer" }), "at-1"],
    ["an empty token_type", with_({ token_type: "" }), "at-1"],
    ["a byte order mark", spelled((text) => `\ufeff${text}`), "at-1"],
    ["a form", (answer) => ({ text: new URLSearchParams(answer as Record<string, string>).toString() }), "at-1"],
    [
      "a body that is cut off at its last brace",
      (body) => ({ body, cutAfter: JSON.stringify(body).length - 1 }),
      "at-1",
    ],
    ["no access token", with_({ access_token: undefined }), "at-2"],
    ["an access token that no header can carry", with_({ access_token: "a\nb" }), "at-2"],
    ["a bound access token", with_({ token_type: "DPoP" }), "at-2"],
  ];
  for (const [what, bend, token] of good) {
    test(`a code whose answer has ${what} becomes a grant that works`, async (t) => {
      const provider = await bentProvider(t, { token: (answer) => bend(answer) }, { strict: true });
      const grant = await provider.connect("ada/1");
      assert.deepEqual([grant.subject, grant.state, grant.offline], ["ada", "active", true]);
      provider.bend = {};
      assert.equal(await tokenOf(provider.vault, grant.grantId), token);
      assert.deepEqual(await provider.connect("ada/1").then(({ grantId }) => grantId), grant.grantId, "the same again");
    });
  }

  const spent: Readonly<Record<string, (answer: Members) => BentAnswer>> = {
    "no token at all": () => ({ body: { ok: true } }),
    "an access token that no header can carry, and nothing else": () => ({ body: { access_token: "a b" } }),
    "a bound access token, and no refresh token": with_({ token_type: "DPoP", refresh_token: undefined }),
    "an ID token alone": with_({ access_token: undefined, refresh_token: undefined }),
  };
  for (const [what, bend] of Object.entries(spent)) {
    test(`a code whose answer has ${what} is used up, and nobody is asked to send it again`, async (t) => {
      const provider = await bentProvider(t, { token: (answer) => bend(answer) });
      for (let n = 0; n < 3; n++) await assert.rejects(provider.connect("ada/1"), fails("code_rejected"));
      assert.equal(provider.count("/token"), 1);
      provider.bend = {};
      assert.equal((await provider.connect("bob/1")).subject, "bob", "nobody else is held up");
    });
  }

  test("a code whose answer has no ID token is refused for good", async (t) => {
    const provider = await bentProvider(t, { token: with_({ id_token: undefined }) });
    for (let n = 0; n < 2; n++) await assert.rejects(provider.connect(), fails("id_token_invalid"));
    assert.equal(provider.count("/token"), 1);
  });

  test("a code whose answer could not be read may have been used: the provider says so when it comes again", async (t) => {
    const provider = await bentProvider(t, {}, { strict: true });
    for (const [n, bend] of [{ text: "<html>" }, { text: '{"access_tok', cutAfter: 5 }].entries()) {
      provider.bend = { token: () => bend };
      await assert.rejects(provider.connect(`ada/${n}`), (error) => {
        assert.ok(isOnbehalfError(error, "provider_unavailable"), String(error));
        assert.match(error.hint, /whether it still works/);
        return true;
      });
      await assert.rejects(provider.connect(`ada/${n}`), fails("code_rejected", "invalid_grant"));
    }
  });
});

describe("the scopes of an answer", () => {
  /** What an answer says in place of `openid files`, and what the grant then covers: at a sign-in, at a refresh. */
  const cases: readonly (readonly [string, Members, readonly string[], readonly string[]])[] = [
    ["a list", { scope: ["openid"] }, ["openid"], ["openid"]],
    ["a list in a list", { scope: [["openid"], "mail"] }, ["openid", "mail"], ["openid", "mail"]],
    ["commas", { scope: "openid,mail" }, ["openid", "mail"], ["openid", "mail"]],
    ["a comma in a list", { scope: ["openid,mail"] }, ["openid", "mail"], ["openid", "mail"]],
    ["tabs", { scope: "openid\tmail" }, ["openid", "mail"], ["openid", "mail"]],
    ["two spaces", { scope: "openid  mail" }, ["openid", "mail"], ["openid", "mail"]],
    ["scopes", { scope: undefined, scopes: ["openid"] }, ["openid"], ["openid"]],
    ["a number", { scope: 7 }, [], ["openid", "files"]],
    ["an object", { scope: { openid: true } }, [], ["openid", "files"]],
    ["null", { scope: null }, [], ["openid", "files"]],
    ["an empty list", { scope: [] }, [], ["openid", "files"]],
    ["an empty text", { scope: "" }, [], ["openid", "files"]],
    ["nothing", { scope: undefined }, ["openid", "files"], ["openid", "files"]],
  ];
  for (const [what, changes, atSignIn, atRefresh] of cases) {
    test(`the scopes of an answer that are spelled as ${what} are read as what they are`, async (t) => {
      const provider = await bentProvider(t, { token: with_(changes) }, { strict: true });
      const signedIn = await provider.connect("ada/1");
      assert.deepEqual(signedIn.scopes, atSignIn);
      provider.bend = {};
      const { grantId } = await provider.connect("bob/1");
      provider.bend = { token: with_(changes) };
      provider.clock.advance(day);
      assert.deepEqual((await provider.vault.getAccessToken(grantId)).scopes, atRefresh);
      assert.deepEqual((await provider.vault.grant(grantId)).scopes, atRefresh);
      // A refresh without a new refresh token goes another way.
      provider.bend = { token: with_({ ...changes, refresh_token: undefined }) };
      provider.clock.advance(day);
      assert.deepEqual((await provider.vault.getAccessToken(grantId)).scopes, atRefresh);
    });
  }

  test("the scopes of an answer that names none are missing where they were asked for", async (t) => {
    const provider = await bentProvider(t, { token: with_({ scope: 7 }) });
    const handle = provider.vault.authCodeHandler({ publicUrl: "https://app.example" });
    const body = new URLSearchParams({
      authCode: "ada/1",
      source: "web-redirect",
      redirect_uri: "https://app.example/cb",
      scope: "openid files",
    });
    const headers = { "x-requested-with": "x" };
    const answer = await handle(new Request("https://app.example/authcode", { method: "POST", headers, body }));
    const { scope, missing_scopes: missing } = (await answer.json()) as Members;
    assert.deepEqual([answer.status, scope, missing], [200, "", ["files"]]);
  });
});
