import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../../src/index.ts";
import type { Grant, Vault } from "../../../../src/index.ts";
import { rotations } from "../../../support/rotations.ts";
import { testService } from "../../../support/test-service.ts";
import { bentProvider } from "../../../support/bent-provider.ts";
import type { BentAnswer, BentOptions, BentProvider, BentRequest, Members } from "../../../support/bent-provider.ts";
import { appData, testVault, usualScope } from "../../../support/test-vault.ts";

const folder = "https://www.googleapis.com/drive/v3/files/appfolder";
const userinfo = "https://www.googleapis.com/oauth2/v3/userinfo";

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
      // A refresh token that came shows that consent was given anew, so the one that is held was tried.
      assert.equal((await vault.getAccessToken(broad)).token === token, !("force" in spec));
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

describe("less never replaces more: an app that was removed, and connected again with a box left unticked", () => {
  const unticked = { email: "ada@example.com", scope: usualScope, grantedScopes: "openid email profile" };
  const waits = [
    ["at once", 0],
    ["a day later, when no access token lives", 86_400_000],
  ] as const;
  for (const { name, rotation, standin: plays } of rotations) {
    for (const [when, ms] of waits) {
      test(`a removed app, connected again for less ${when}, with rotation ${name}: the answer is true, and the token works`, async (t) => {
        const { standin, clock, open, events, code, newRequests } = await testVault(t, {
          ...plays,
          provider: { rotation },
        });
        const vault = await open();
        const { grantId } = await vault.exchangeCode({ code: code("ada@example.com") });
        standin.revoke("ada@example.com");
        clock.advance(ms);
        newRequests();
        const asked = { code: standin.code(unticked), scopes: usualScope.split(" ") };
        const after = await vault.exchangeCode(asked);
        assert.deepEqual([after.grantId, after.state, after.offline], [grantId, "active", true]);
        assert.deepEqual([after.scopes.includes(appData), after.missingScopes], [false, [appData]]);
        assert.deepEqual((await vault.exchangeCode(asked)).scopes, after.scopes, "a code that is sent again");
        assert.equal(newRequests().length, 3, "the code, the held token, and the one that came");
        const changes = events.flatMap((event) => (event.type === "scopes_changed" ? [event] : []));
        assert.deepEqual(changes, [
          { type: "scopes_changed", grantId, provider: "google", gained: [], lost: [appData] },
        ]);
        const { token, scopes } = await vault.getAccessToken(after);
        assert.deepEqual(scopes, after.scopes);
        assert.equal((await vault.fetch(after, userinfo)).status, 200, "what is handed out works");
        clock.advance(3_700_000);
        assert.ok((await vault.getAccessToken(after)).token !== token);
        const back = await vault.exchangeCode({
          code: standin.code({ email: "ada@example.com", scope: usualScope, force: true }),
        });
        assert.equal(back.missingScopes, undefined);
        assert.equal((await vault.fetch(back, folder)).status, 200);
      });
    }
  }

  test("a removed app, connected again for less: the service tells the page what is missing", async (t) => {
    const { fixture, grant, url } = await testService(t);
    const { standin } = fixture;
    await grant("ada@example.com", usualScope);
    standin.revoke("ada@example.com");
    const response = await fetch(`${url}/authcode`, {
      method: "POST",
      headers: { "x-requested-with": "test" },
      body: new URLSearchParams({ authCode: standin.code(unticked), source: "android", scope: usualScope }),
    });
    const body = (await response.json()) as Members;
    assert.deepEqual([response.status, body["missing_scopes"], body["offline"]], [200, [appData], true]);
    assert.ok(!String(body["scope"]).includes(appData));
  });
});

/** A provider whose codes are `scopes separated by +`, with `!` for a refresh token, and whose refreshes can be refused. */
async function provider(t: Parameters<typeof bentProvider>[0], options: BentOptions = {}): Promise<ScopedProvider> {
  const refused = new Set<string>();
  const failing = new Map<string, BentAnswer>();
  let held: { readonly sent: string; readonly until: Promise<void> } | undefined;
  const scopes = new Map<string, string>();
  let said: string | undefined;
  const { rotation = "none" } = options.provider ?? {};
  const token = async (answer: Members, { form }: BentRequest): Promise<BentAnswer> => {
    if (form["grant_type"] === "authorization_code") {
      const code = form["code"] ?? "";
      const scope = code.replaceAll("+", " ").replace(/[!#].*$/, "");
      const { refresh_token: refreshToken, ...rest } = answer;
      scopes.set(String(refreshToken), scope);
      return { body: { ...rest, scope, ...(code.includes("!") ? { refresh_token: refreshToken } : {}) } };
    }
    const sent = form["refresh_token"] ?? "";
    if (held?.sent === sent) await held.until;
    const failure = failing.get(sent);
    if (failure !== undefined) return failure;
    if (refused.has(sent)) return { status: 400, body: { error: "invalid_grant" } };
    const { refresh_token: next, ...rest } = answer;
    const scope = scopes.get(sent) ?? "";
    if (rotation === "none") return { body: { ...rest, scope: said ?? scope } };
    refused.add(sent);
    scopes.set(String(next), scope);
    return { body: { ...rest, refresh_token: next, scope: said ?? scope } };
  };
  const bent = await bentProvider(t, { token }, { ...options, provider: { rotation, ...options.provider } });
  return {
    ...bent,
    refused,
    failing,
    hold: (sent) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = { sent, until: promise };
      return resolve;
    },
    say: (scope) => void (said = scope),
    connect: (code) => bent.connect(code, { scopes: [] }),
  };
}

interface ScopedProvider extends Omit<BentProvider, "connect"> {
  /** Refresh tokens that the provider refuses, and those that get another answer. */
  readonly refused: Set<string>;
  readonly failing: Map<string, BentAnswer>;
  /** Leaves refreshes with this token unanswered, until what it returns is called. */
  hold(sent: string): () => void;
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

const mail = ["openid", "files", "mail"];

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
    w.failing.set("rt-2", { status: 503, body: {} });
    await assert.rejects(use(w, grant), (error) => isOnbehalfError(error, "provider_unavailable"));
    w.failing.clear();
    assert.match(await use(w, grant), /^at-/);
    assert.deepEqual((await w.vault.grant(grant)).missingScopes, ["files"]);
  });

  test("where both tokens are refused at the sign-in itself, the grant is asked about again before it lapses", async (t) => {
    const w = await provider(t);
    const grant = await w.connect("openid+files!");
    w.refused.add("rt-1").add("rt-2");
    assert.equal((await w.connect("openid!2")).state, "active");
    // A provider whose servers do not all know a new token yet.
    w.refused.delete("rt-2");
    assert.match(await use(w, grant), /^at-/);
    assert.deepEqual((await w.vault.grant(grant)).missingScopes, ["files"]);
  });

  const troubles: readonly (readonly [string, BentAnswer])[] = [
    ["is down", { status: 503, body: {} }],
    ["is down and says for how long", { status: 503, headers: { "retry-after": "60" }, body: {} }],
    ["refuses our client", { status: 401, body: { error: "invalid_client" } }],
    ["says what nobody understands", { status: 200, text: "<html>" }],
    ["refuses in a word of its own", { status: 400, body: { error: "computer_says_no" } }],
  ];
  for (const [name, answer] of troubles) {
    test(`a sign-in for less while the provider ${name}: the grant stays as it is, and a later refresh settles it`, async (t) => {
      const w = await provider(t);
      const grant = await w.connect("openid+files!");
      w.failing.set("rt-1", answer);
      const after = await w.connect("openid!2");
      assert.deepEqual([after.state, after.scopes], ["active", ["openid", "files"]]);
      w.failing.clear();
      w.refused.add("rt-1");
      assert.match(await use(w, grant), /^at-/);
      assert.deepEqual((await w.vault.grant(grant)).missingScopes, ["files"]);
    });
  }

  test("a sign-in for less without a refresh token sends nothing more than its code", async (t) => {
    const w = await provider(t);
    await w.connect("openid+files!");
    await w.connect("openid#2");
    assert.equal(w.count("/token"), 2);
  });

  /** A grant whose scopes a sign-in without a refresh token has widened: its refresh token covers less than it says. */
  const widened = async (w: ScopedProvider): Promise<Grant> => {
    await w.connect("openid+files!");
    return w.connect("openid+files+mail+notes#2");
  };
  for (const rotation of ["none", "strict", { graceSeconds: 30 }] as const) {
    const name = typeof rotation === "string" ? rotation : "grace";
    test(`a consent that turns out to cover more than the token that is held takes its place: rotation ${name}`, async (t) => {
      const w = await provider(t, { provider: { rotation } });
      const grant = await widened(w);
      const after = await w.connect("openid+files+mail!3");
      assert.deepEqual([after.grantId, after.scopes, after.missingScopes], [grant.grantId, mail, ["notes"]]);
      assert.equal((await w.vault.getAccessToken(grant)).token, "at-3");
      for (let hour = 0; hour < 3; hour++) await use(w, grant);
      assert.deepEqual((await w.vault.grant(grant)).scopes, mail);
      assert.equal(
        w.requests.filter(({ form }) => form["refresh_token"] === "rt-3").length,
        rotation === "none" ? 3 : 1,
      );
    });
  }

  test("a consent that covers neither more nor less than the token that is held stays beside it", async (t) => {
    const w = await provider(t);
    const grant = await widened(w);
    assert.deepEqual((await w.connect("openid+mail!3")).scopes, ["openid", "files"]);
    w.refused.add("rt-1");
    assert.match(await use(w, grant), /^at-/);
    assert.deepEqual((await w.vault.grant(grant)).scopes, ["openid", "mail"]);
  });

  test("a consent that took the place of a dead token at the sign-in is not put there a second time", async (t) => {
    const w = await provider(t, { provider: { rotation: "strict" } });
    const grant = await widened(w);
    w.refused.add("rt-1");
    w.say("openid");
    const after = await w.connect("openid+files+mail!3");
    assert.deepEqual(after.scopes, ["openid"], "what the provider says of the new one counts");
    w.say(undefined);
    assert.match(await use(w, grant), /^at-/);
    assert.equal(w.requests.filter(({ form }) => form["refresh_token"] === "rt-3").length, 1);
  });

  test("a sign-in for less does not wait for a provider that leaves the look unanswered", async (t) => {
    const w = await provider(t);
    const grant = await w.connect("openid+files!");
    const release = w.hold("rt-1");
    const after = await w.connect("openid!2");
    assert.deepEqual(after.scopes, ["openid", "files"]);
    w.refused.add("rt-1");
    release();
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
    // Between them are the looks at what is held.
    assert.deepEqual(revoked, ["rt-1", "rt-12"]);
  });

  test("a consent for more drops the narrower ones that it covers", async (t) => {
    const w = await provider(t);
    const grant = await w.connect("openid+files!");
    await w.connect("openid!2");
    await w.connect("openid+files+mail!3");
    w.refused.add("rt-4");
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
