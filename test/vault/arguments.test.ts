import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError, parseGrantRef } from "../../src/index.ts";
import type { Grant, Vault } from "../../src/index.ts";
import { bentProvider } from "../support/bent-provider.ts";

type Call = (vault: Vault, grant: Grant) => Promise<unknown>;

/** A vault as a program without types sees it. */
type Untyped = Record<string, (...parameters: unknown[]) => Promise<unknown>>;
const untyped = (vault: Vault): Untyped => vault as unknown as Untyped;

const code = "a-code";
const redirectUri = "https://app.example/cb";

/** Options of exchangeCode that are wrong, with the one that is to be named. */
const exchanges: readonly (readonly [unknown, string, RegExp?])[] = [
  [undefined, "options"],
  [null, "options"],
  ["code", "options"],
  [[code], "options"],
  [{}, "code", /code must be a text or a Secret, and is undefined/],
  [{ code: undefined }, "code"],
  [{ code: null }, "code"],
  [{ code: 7 }, "code"],
  [{ code: { value: code } }, "code", /and is an object/],
  [{ code: [code] }, "code"],
  [{ code: "" }, "authCode"],
  [{ code: "   " }, "authCode"],
  [{ code: "\n" }, "authCode"],
  [{ code: `${code}\n` }, "authCode"],
  [{ code: `"${code} "` }, "authCode"],
  [{ code, source: "andriod" }, "source", /must be one of android, ios, web-popup, web-redirect/],
  [{ code, source: null }, "source"],
  [{ code, redirectUri: 7 }, "redirectUri"],
  [{ code, source: "web-redirect", redirectUri: "" }, "redirect_uri", /must be sent with a code from web-redirect/],
  [{ code, redirectUri: new URL(redirectUri) }, "redirectUri"],
  [{ code, redirectUri: `${redirectUri}\n` }, "redirect_uri", /ends with a line end/],
  [{ code, redirectUri: `"${redirectUri}"` }, "redirect_uri", /stands in quotes/],
  [{ code, redirectUri, codeVerifier: 7 }, "codeVerifier"],
  [{ code, redirectUri, codeVerifier: "" }, "code_verifier"],
  [{ code, redirectUri, nonce: {} }, "nonce"],
  [{ code, redirectUri, externalId: 42 }, "externalId", /must be a text, and is a number/],
  [{ code, redirectUri, externalId: "user-1", moveExternalId: "yes" }, "moveExternalId", /must be true or false/],
  [{ code, redirectUri, moveExternalId: true }, "move_external_id", /without external_id/],
  [{ code, redirectUri, scopes: "openid email" }, "scopes", /must be a list of texts/],
  [{ code, redirectUri, scopes: [1] }, "scopes"],
  [{ code, redirectUri, scopes: null }, "scopes", /and is null/],
  [{ code, redirectUri, provider: 7 }, "provider"],
  [{ code, redirectUri, provider: "nobody" }, "provider"],
  [{ code, redirectUri, signal: {} }, "signal"],
  [{ code, redirect_uri: redirectUri }, "redirect_uri", /redirect_uri is no option of exchangeCode/],
  [{ authCode: code }, "code"],
  [{ code, redirectUri, external_id: "user-1" }, "external_id"],
];

describe("the arguments of exchangeCode", () => {
  test("the arguments of exchangeCode are looked at before the code is sent, and the wrong one is named", async (t) => {
    const bent = await bentProvider(t);
    for (const [options, parameter, message = /./] of exchanges) {
      await assert.rejects(
        async () => untyped(bent.vault)["exchangeCode"]?.(options),
        (error) => {
          assert.ok(isOnbehalfError(error, "invalid_request"), `${JSON.stringify(options)}: ${String(error)}`);
          assert.equal(error.details.parameter, parameter, error.message);
          assert.match(error.message, message);
          assert.ok(!error.message.includes(code), "it repeats the code");
          assert.doesNotMatch(error.hint ?? "", /leave code out/, "without a code nothing can be done");
          return true;
        },
      );
    }
    assert.equal(bent.count("/token"), 0);
    assert.equal((await bent.connect(code)).state, "active", "the code is still good");
  });
});

const refs: readonly unknown[] = [
  undefined,
  null,
  7,
  "",
  "  ",
  {},
  [],
  { grantId: undefined },
  { grantId: "" },
  { grantId: 7 },
  { subject: null },
  { externalId: " " },
  { externalId: "user-1", provider: 7 },
  { external_id: "user-1" },
  { sub: "someone" },
];

describe("the arguments of other verbs", () => {
  test("a grant that is named by nothing is refused by every verb, and revokes nobody", async (t) => {
    const { vault, connect, count } = await bentProvider(t);
    await connect();
    for (const verb of ["getAccessToken", "fetch", "revoke", "grant", "siblings"]) {
      for (const ref of refs) {
        await assert.rejects(
          async () => untyped(vault)[verb]?.(ref, verb === "fetch" ? "https://api.example/" : undefined),
          (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter !== undefined,
          `${verb} ${JSON.stringify(ref)}`,
        );
      }
    }
    for (const ref of refs) assert.equal(vault.peekAccessToken(ref as never), undefined);
    assert.equal(count("/revoke"), 0);
  });

  const calls: readonly (readonly [string, Call, string])[] = [
    [
      "getAccessToken for how long, as a text",
      (vault, g) => vault.getAccessToken(g, { minTtlSeconds: "300" as never }),
      "minTtlSeconds",
    ],
    [
      "getAccessToken for how long, as no number",
      (vault, g) => vault.getAccessToken(g, { minTtlSeconds: Number.NaN }),
      "minTtlSeconds",
    ],
    [
      "getAccessToken for less than nothing",
      (vault, g) => vault.getAccessToken(g, { minTtlSeconds: -1 }),
      "minTtlSeconds",
    ],
    ["getAccessToken for ever", (vault, g) => vault.getAccessToken(g, { minTtlSeconds: Infinity }), "minTtlSeconds"],
    [
      "getAccessToken with an option that is none",
      (vault, g) => vault.getAccessToken(g, { minTTL: 5 } as never),
      "minTTL",
    ],
    ["getAccessToken with options that are none", (vault, g) => vault.getAccessToken(g, null as never), "options"],
    [
      "getAccessToken with a signal that is none",
      (vault, g) => vault.getAccessToken(g, { signal: true as never }),
      "signal",
    ],
    ["fetch of nothing", (vault, g) => vault.fetch(g, undefined as never), "input"],
    ["fetch of a path", (vault, g) => vault.fetch(g, "/drive/v3/files"), "input"],
    ["fetch of a request", (vault, g) => vault.fetch(g, new Request("https://api.example/") as never), "input"],
    [
      "fetch with a method that is none",
      (vault, g) => vault.fetch(g, "https://api.example/", { method: "GET IT" }),
      "method",
    ],
    [
      "fetch with a method that is forbidden",
      (vault, g) => vault.fetch(g, "https://api.example/", { method: "TRACE" }),
      "method",
    ],
    [
      "fetch with a header that cannot be sent",
      (vault, g) => vault.fetch(g, "https://api.example/", { headers: { "x-a": "planted\nb" } }),
      "headers",
    ],
    [
      "fetch with a header's name that is none",
      (vault, g) => vault.fetch(g, "https://api.example/", { headers: { "x a": "b" } }),
      "headers",
    ],
    [
      "fetch with a body that nobody takes",
      (vault, g) => vault.fetch(g, "https://api.example/", { body: "x" }),
      "body",
    ],
    ["fetch with an init that is none", (vault, g) => vault.fetch(g, "https://api.example/", "POST" as never), "init"],
    ["revoke with an option that is none", (vault, g) => vault.revoke(g, { force: true } as never), "force"],
    ["grants with a member that is none", (vault) => vault.grants({ external_id: "user-1" } as never), "external_id"],
    ["grants of nothing", (vault) => vault.grants(null as never), "options"],
    ["grants with a number for a person", (vault) => vault.grants({ externalId: 7 as never }), "externalId"],
    ["grants with a list for a person", (vault) => vault.grants({ subject: ["a"] as never }), "subject"],
    ["grants with a limit that is a text", (vault) => vault.grants({ limit: "10" as never }), "limit"],
    ["grants in a state that is none", (vault) => vault.grants({ state: "dead" as never }), "state"],
    ["grants after a cursor that is none", (vault) => vault.grants({ cursor: 7 as never }), "cursor"],
    [
      "signInAssertion for nobody",
      (vault) => vault.signInAssertion(undefined as never, "https://app.example"),
      "grant",
    ],
    ["signInAssertion for a name", (vault) => vault.signInAssertion("g_1" as never, "https://app.example"), "grant"],
    ["signInAssertion by nobody", (vault, g) => vault.signInAssertion(g, undefined as never), "issuer"],
    [
      "signInAssertion with a nonce that is none",
      (vault, g) => vault.signInAssertion(g, "https://app.example", 7 as never),
      "nonce",
    ],
    ["callers.create without a name", (vault) => vault.callers.create(undefined as never, { allow: [] }), "name"],
    [
      "callers.create with a permission that is none",
      (vault) => vault.callers.create("a", { allow: ["tokens" as never] }),
      "allow",
    ],
    [
      "callers.create with a permission alone",
      (vault) => vault.callers.create("a", { allow: "token" as never }),
      "allow",
    ],
    [
      "callers.create until some day",
      (vault) => vault.callers.create("a", { allow: [], expiresAt: "2027" as never }),
      "expiresAt",
    ],
    [
      "callers.create until a day that is none",
      (vault) => vault.callers.create("a", { allow: [], expiresAt: new Date("x") }),
      "expiresAt",
    ],
    [
      "callers.create with an option that is none",
      (vault) => vault.callers.create("a", { allow: [], expires: new Date() } as never),
      "expires",
    ],
    ["callers.create without options", (vault) => vault.callers.create("a", undefined as never), "options"],
    ["callers.create without a permission", (vault) => vault.callers.create("a", {} as never), "allow"],
    ...["", "ext:", "ext:a*b", "ext: a", "ext:a ", "EXT:a", "g_", "sub:1", "**", "ext:**", "ext:a\n"].map(
      (selector) =>
        [
          `callers.create with the selector ${JSON.stringify(selector)}`,
          (vault: Vault) => vault.callers.create("a", { allow: [], grants: [selector] }),
          "grants",
        ] as const,
    ),
    ["callers.create for no grant", (vault) => vault.callers.create("a", { allow: [], grants: [] }), "grants"],
    ["callers.create for no provider", (vault) => vault.callers.create("a", { allow: [], providers: [] }), "providers"],
    ["callers.rotate of nobody", (vault) => vault.callers.rotate("nobody", { overlapMs: 0 }), "name"],
    ["callers.rotate without an overlap", (vault) => vault.callers.rotate("a", {} as never), "overlapMs"],
    ["callers.rotate for a part", (vault) => vault.callers.rotate("a", { overlapMs: 0.5 }), "overlapMs"],
    ["callers.revoke of nobody", (vault) => vault.callers.revoke(undefined as never), "name"],
    ["providerOf a number", async (vault) => vault.providerOf(7 as never), "provider"],
    ["parseGrantRef of nothing", async () => parseGrantRef(undefined as never), "ref"],
    ["parseGrantRef with a provider that is none", async () => parseGrantRef("sub:x", 7 as never), "provider"],
  ];
  test("an argument that is wrong is named, and nothing is done", async (t) => {
    const { vault, connect, count } = await bentProvider(t);
    const grant = await connect();
    const asked = count("/token");
    for (const [what, call, parameter] of calls) {
      await assert.rejects(
        async () => call(vault, grant),
        (error) => {
          assert.ok(isOnbehalfError(error, "invalid_request"), `${what}: ${String(error)}`);
          assert.equal(error.details.parameter, parameter, `${what}: ${error.message}`);
          assert.doesNotMatch(JSON.stringify([error.message, error.hint]), /planted/);
          return true;
        },
        what,
      );
    }
    assert.equal(count("/token"), asked);
    assert.deepEqual(await vault.callers.list(), []);
  });

  test("an argument that is wrong for the code handler is named when the handler is made", async (t) => {
    const { vault } = await bentProvider(t);
    for (const publicUrl of ["app.example", "", 7, "https://app.example\n", '"https://app.example"']) {
      assert.throws(
        () => vault.authCodeHandler({ publicUrl: publicUrl as never }),
        (error) => isOnbehalfError(error, "configuration_invalid") && error.message.startsWith("publicUrl "),
      );
    }
  });

  test("options of the code handler that are none are named when the handler is made", async (t) => {
    const { vault } = await bentProvider(t);
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [null, /^options must be an object/],
      [7, /^options must be an object/],
      ["https://app.example", /^options must be an object/],
      [[], /^options must be an object/],
      [() => 1, /^options must be an object/],
      [{ allowedOrigins: "https://app.example" }, /^allowedOrigins must be a list/],
      [{ allowedOrigins: [7] }, /^allowedOrigins must be a list/],
      [{ allowedOrigins: null }, /^allowedOrigins must be a list/],
      [{ provider: 7 }, /^provider must be a text/],
      [{ provider: "" }, /^provider must be a text/],
    ];
    for (const [options, message] of wrong) {
      assert.throws(
        () => vault.authCodeHandler(options as never),
        (error) => isOnbehalfError(error, "configuration_invalid") && message.test(error.message),
      );
    }
  });

  test("a caller that is none is named", async (t) => {
    const { vault } = await bentProvider(t);
    for (const caller of [undefined, null, 7, "app", [], {}, () => 1, { grants: "*" }, { grants: ["*"] }]) {
      assert.throws(
        () => vault.forCaller(caller as never),
        (error) => isOnbehalfError(error, "invalid_request") && error.details.parameter === "caller",
      );
    }
  });

  test("arguments that are right in every form are taken", async (t) => {
    const { vault, connect } = await bentProvider(t, {}, { provider: { apiHosts: ["api.example"] } });
    const grant = await connect("c", { externalId: "user-1", codeVerifier: "v".repeat(43), nonce: undefined as never });
    const { signal } = new AbortController();
    for (const ref of [
      grant,
      grant.grantId,
      { grantId: grant.grantId },
      { subject: "someone" },
      { externalId: "user-1", provider: "bent" },
    ]) {
      assert.equal((await vault.getAccessToken(ref, { signal, minTtlSeconds: 0 })).token, "at-1");
      assert.equal((await vault.grant(ref, { signal })).grantId, grant.grantId);
    }
    assert.equal((await vault.grants({ state: undefined as never, limit: 1 })).grants.length, 1);
    assert.equal((await vault.callers.create("a", { allow: [] })).caller.allow.length, 0);
  });
});
