import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import type { Grant, Vault } from "../../../../src/index.ts";
import { bentProvider } from "../../../support/bent-provider.ts";
import type { BentAnswer, BentOptions, BentProvider, BentRequest, Members } from "../../../support/bent-provider.ts";
import { appData, testVault, usualScope } from "../../../support/test-vault.ts";

const folder = "https://www.googleapis.com/drive/v3/files/appfolder";

describe("less never replaces more: at Google", () => {
  const signIns = [
    ["the sign-in scopes alone", { scope: "openid email" }],
    ["the sign-in scopes, one more than before", { scope: "openid email profile" }],
    ["another scope, without those granted before", { scope: "openid https://www.googleapis.com/auth/drive.file" }],
    ["the sign-in scopes alone, with consent shown again", { scope: "openid email", force: true }],
    [
      "another scope, with consent shown again",
      { scope: "openid https://www.googleapis.com/auth/drive.file", force: true },
    ],
  ] as const;
  for (const [name, spec] of signIns) {
    test(`a sign-in with ${name} leaves the app folder usable, now, an hour later and in another process`, async (t) => {
      const { standin, clock, open } = await testVault(t);
      const vault = await open();
      const code = (more: object): string =>
        standin.code({ kind: "native", email: "ada@example.com", scope: "", ...more });
      const broad = await vault.exchangeCode({ code: code({ scope: `openid email ${appData}` }) });
      const { token } = await vault.getAccessToken(broad);
      const after = await vault.exchangeCode({ code: code(spec) });
      assert.equal(after.grantId, broad.grantId);
      assert.deepEqual(after.scopes, broad.scopes);
      assert.equal(after.missingScopes, undefined);
      assert.equal((await vault.getAccessToken(broad)).token, token);
      assert.equal((await vault.fetch(broad, folder)).status, 200);
      clock.advance(3_700_000);
      assert.equal((await vault.fetch(broad, folder)).status, 200);
      assert.deepEqual((await (await open()).grant(broad)).scopes, broad.scopes);
    });
  }

  const damages = [
    ["access token", "access_sealed = zeroblob(60)", usualScope],
    ["refresh token", "refresh_sealed = zeroblob(60)", "openid email"],
    ["profile", "profile_sealed = zeroblob(60)", usualScope],
  ] as const;
  for (const [what, damage, scope] of damages) {
    test(`a sign-in for less heals a grant whose ${what} is damaged, and keeps what still opens`, async (t) => {
      const { standin, open, path } = await testVault(t);
      const vault = await open();
      const { grantId } = await vault.exchangeCode({
        code: standin.code({ email: "ada@example.com", scope: usualScope }),
      });
      await vault.close();
      const raw = new DatabaseSync(path);
      raw.exec(`UPDATE grants SET ${damage}`);
      raw.close();
      const again = await open();
      const grant = await again.exchangeCode({
        code: standin.code({ email: "ada@example.com", scope: "openid email" }),
      });
      assert.equal(grant.grantId, grantId);
      assert.equal(grant.scopes.includes(appData), scope === usualScope);
      assert.deepEqual(grant.missingScopes?.includes(appData) ?? false, scope !== usualScope);
      assert.equal((await again.getAccessToken(grant)).scopes.includes(appData), scope === usualScope);
    });
  }

  test("a sign-in for more takes the place of what is held, and tells of it", async (t) => {
    const { standin, open, events } = await testVault(t);
    const vault = await open();
    await vault.exchangeCode({ code: standin.code({ email: "ada@example.com", scope: "openid email" }) });
    const more = await vault.exchangeCode({
      code: standin.code({ email: "ada@example.com", scope: usualScope, force: true }),
    });
    assert.ok(more.scopes.includes(appData));
    const change = events.find(({ type }) => type === "scopes_changed");
    assert.deepEqual(change, {
      type: "scopes_changed",
      grantId: more.grantId,
      provider: "google",
      gained: ["https://www.googleapis.com/auth/userinfo.profile", appData],
      lost: [],
    });
  });
});

/** A provider whose codes are `scopes separated by +`, with `!` for a refresh token, and whose refreshes can be refused. */
async function provider(t: Parameters<typeof bentProvider>[0], options: BentOptions = {}): Promise<ScopedProvider> {
  const refused = new Set<string>();
  const failing = new Set<string>();
  const scopes = new Map<string, string>();
  let said: string | undefined;
  const token = (answer: Members, { form }: BentRequest): BentAnswer => {
    if (form["grant_type"] === "authorization_code") {
      const code = form["code"] ?? "";
      const scope = code.replaceAll("+", " ").replace(/[!#].*$/, "");
      const { refresh_token: refreshToken, ...rest } = answer;
      scopes.set(String(refreshToken), scope);
      return { body: { ...rest, scope, ...(code.includes("!") ? { refresh_token: refreshToken } : {}) } };
    }
    const sent = form["refresh_token"] ?? "";
    if (failing.has(sent)) return { status: 503, body: {} };
    if (refused.has(sent)) return { status: 400, body: { error: "invalid_grant" } };
    const { refresh_token: _next, ...rest } = answer;
    return { body: { ...rest, scope: said ?? scopes.get(sent) } };
  };
  const bent = await bentProvider(t, { token }, { ...options, provider: { rotation: "none", ...options.provider } });
  return {
    ...bent,
    refused,
    failing,
    say: (scope) => void (said = scope),
    connect: (code) => bent.connect(code, { scopes: [] }),
  };
}

interface ScopedProvider extends Omit<BentProvider, "connect"> {
  /** Refresh tokens that the provider refuses, and those about which it fails. */
  readonly refused: Set<string>;
  readonly failing: Set<string>;
  /** What refreshes say is covered. */
  say(scope: string | undefined): void;
  connect(code: string): Promise<Grant>;
}

const changes = ({ events }: ScopedProvider): unknown[] =>
  events.flatMap((event) => (event.type === "scopes_changed" ? [{ gained: event.gained, lost: event.lost }] : []));

const use = async ({ clock, vault }: ScopedProvider, grant: Grant): Promise<string> => {
  clock.advance(3_700_000);
  return (await vault.getAccessToken(grant)).token;
};

describe("less never replaces more: elsewhere", () => {
  test("a kept access token that is dead is refreshed, and not replaced by the narrow one", async (t) => {
    const w = await provider(t);
    const grant = await w.connect("openid+files!");
    w.clock.advance(3_700_000);
    await w.connect("openid#2");
    const { scopes, token } = await w.vault.getAccessToken(grant);
    assert.deepEqual([scopes, token], [["openid", "files"], "at-3"]);
    assert.deepEqual(changes(w), []);
  });

  test("a broader refresh token that is dead is followed by the narrower one, and what was lost is said", async (t) => {
    const w = await provider(t);
    const grant = await w.connect("openid+files+mail!");
    await w.connect("openid+mail!2");
    for (let hour = 0; hour < 5; hour++) await use(w, grant);
    assert.deepEqual(changes(w), []);
    w.refused.add("rt-1");
    await use(w, grant);
    const { scopes, missingScopes, state } = await w.vault.grant(grant);
    assert.deepEqual([scopes, missingScopes, state], [["openid", "mail"], ["files"], "active"]);
    assert.deepEqual(changes(w), [{ gained: [], lost: ["files"] }]);
    assert.match(await use(w, grant), /^at-/, "the narrower one is the grant's own now");
  });

  test("a narrower token is not lost where the provider fails when it is asked for", async (t) => {
    const w = await provider(t);
    const grant = await w.connect("openid+files!");
    await w.connect("openid!2");
    w.refused.add("rt-1");
    w.failing.add("rt-2");
    await assert.rejects(use(w, grant), (error) => isOnbehalfError(error, "provider_unavailable"));
    w.failing.clear();
    assert.match(await use(w, grant), /^at-/);
    assert.deepEqual((await w.vault.grant(grant)).missingScopes, ["files"]);
  });

  test("where both tokens are dead the grant lapses, and a consent for less heals it and says what is gone", async (t) => {
    const w = await provider(t);
    const grant = await w.connect("openid+files!");
    await w.connect("openid!2");
    w.refused.add("rt-1").add("rt-2");
    await assert.rejects(use(w, grant), (error) => isOnbehalfError(error, "reauthorization_required"));
    const healed = await w.connect("openid!3");
    assert.deepEqual([healed.grantId, healed.state, healed.scopes], [grant.grantId, "active", ["openid"]]);
    assert.deepEqual(healed.missingScopes, ["files"]);
    assert.deepEqual(changes(w), [{ gained: [], lost: ["files"] }]);
    assert.match(await use(w, grant), /^at-/);
    const back = await w.connect("openid+files!4");
    assert.equal(back.missingScopes, undefined);
    assert.deepEqual(changes(w).at(-1), { gained: ["files"], lost: [] });
  });

  test("a consent for less without a refresh token heals a lapsed grant as well", async (t) => {
    const w = await provider(t);
    const grant = await w.connect("openid+files!");
    w.refused.add("rt-1");
    await assert.rejects(use(w, grant), (error) => isOnbehalfError(error, "reauthorization_required"));
    const healed = await w.connect("openid#2");
    assert.deepEqual([healed.state, healed.offline, healed.missingScopes], ["active", false, ["files"]]);
    assert.match((await w.vault.getAccessToken(grant)).token, /^at-/);
  });

  test("narrower consents do not pile up, and end with the grant", async (t) => {
    const w = await provider(t);
    const grant = await w.connect("openid+files+mail!");
    for (let n = 0; n < 5; n++) await w.connect(`openid!${n}`);
    await w.connect("openid+mail!6");
    await w.vault.revoke(grant);
    const revoked = w.requests.filter(({ path }) => path === "/revoke").map(({ form }) => form["token"]);
    assert.deepEqual(revoked, ["rt-1", "rt-7"]);
  });

  test("a consent for more drops the narrower ones that it covers", async (t) => {
    const w = await provider(t);
    const grant = await w.connect("openid+files!");
    await w.connect("openid!2");
    await w.connect("openid+files+mail!3");
    w.refused.add("rt-3");
    await assert.rejects(use(w, grant), (error) => isOnbehalfError(error, "reauthorization_required"));
    assert.ok(!w.requests.some(({ form }) => form["refresh_token"] === "rt-2"));
  });

  test("a refresh that covers less is believed: the grant covers that, and what is gone is said once", async (t) => {
    const w = await provider(t);
    const grant = await w.connect("openid+files+mail!");
    w.say("openid mail");
    await use(w, grant);
    await use(w, grant);
    const { scopes, missingScopes } = await w.vault.grant(grant);
    assert.deepEqual([scopes, missingScopes], [["openid", "mail"], ["files"]]);
    assert.deepEqual(changes(w), [{ gained: [], lost: ["files"] }]);
    w.say("mail files openid");
    await use(w, grant);
    assert.equal((await w.vault.grant(grant)).missingScopes, undefined);
  });

  test("a refresh that leaves out openid and offline_access has taken nothing away", async (t) => {
    const w = await provider(t);
    const grant = await w.connect("openid+offline_access+files!");
    w.say("files");
    await use(w, grant);
    assert.equal((await w.vault.grant(grant)).missingScopes, undefined);
    assert.deepEqual(changes(w), []);
  });

  test("what was lost is in the answer to the next sign-in, too", async (t) => {
    const w = await provider(t);
    await w.connect("openid+files!");
    w.refused.add("rt-1");
    await assert.rejects(use(w, (await w.vault.grants()).grants[0] as Grant));
    assert.deepEqual(await missingIn(w.vault, "openid!2"), ["files"]);
  });

  test("a grant that we ended has lost nothing when the person comes back for less", async (t) => {
    const w = await provider(t);
    const grant = await w.connect("openid+files!");
    await w.vault.revoke(grant);
    const back = await w.connect("openid!2");
    assert.deepEqual([back.scopes, back.missingScopes], [["openid"], undefined]);
    assert.deepEqual(changes(w), []);
  });
});

async function missingIn(vault: Vault, authCode: string): Promise<unknown> {
  const form = { authCode, source: "web-redirect", redirect_uri: "https://app.example/cb" };
  const init = { method: "POST", headers: { "x-requested-with": "test" }, body: new URLSearchParams(form) };
  const response = await vault.authCodeHandler()(new Request("https://app.example/authcode", init));
  return ((await response.json()) as Members)["missing_scopes"];
}
