import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import * as fc from "fast-check";
import { requestCodeExchange, requestRefresh, tokenResponseOf } from "../../src/oauth/token-endpoint.ts";
import type { TokenRequest, TokenResponse } from "../../src/oauth/token-endpoint.ts";
import { google } from "../../src/providers/google.ts";
import type { Client, Provider } from "../../src/providers/provider.ts";
import type { TokenFailure } from "../../src/core/refresh.ts";
import { Secret } from "../../src/core/secret.ts";
import { deadPort, membersOf, recorder, talker, wireWith } from "./servers.ts";
import type { Recorded, Reply } from "./servers.ts";

const now = Date.UTC(2026, 10, 22);
const client: Client = { clientId: "id +&=/ü", clientSecret: new Secret("GOCSPX-s +&=/ü:") };
const tokens: Reply = { body: { access_token: "ya29.new", expires_in: 3_599, token_type: "Bearer" } };

function requestTo(url: string, more: { provider?: Partial<Provider>; client?: Client } = {}): TokenRequest {
  const provider = { ...google({ clientId: "unused", baseUrl: url }), ...more.provider };
  return {
    provider,
    client: more.client ?? client,
    endpoints: provider.endpoints === "discover" ? assert.fail() : provider.endpoints,
    http: wireWith(),
    now,
  };
}

/** What the token endpoint was sent, its form's members sorted by name. */
async function sent(
  t: TestContext,
  ask: (request: TokenRequest) => Promise<TokenResponse>,
  more: Parameters<typeof requestTo>[1] = {},
): Promise<Recorded & { readonly form: readonly (readonly [string, string])[] }> {
  const { url, requests } = await recorder(t, () => tokens);
  const answer = await ask(requestTo(url, more));
  assert.equal(answer.kind, "tokens");
  const [request, another] = requests;
  assert.ok(request !== undefined && another === undefined, "exactly one request");
  return { ...request, form: membersOf(request.body) };
}

const code = new Secret("4/0Aü +&=%2F");
const inBody = [
  ["client_id", "id +&=/ü"],
  ["client_secret", "GOCSPX-s +&=/ü:"],
] as const;

describe("an exchange of a code, on the wire", () => {
  test("a code exchange request says explicitly that a phone's code came without a redirect", async (t) => {
    const { form, body } = await sent(t, (request) => requestCodeExchange(request, { code, redirectUri: "" }));
    assert.deepEqual(form, [
      ...inBody,
      ["code", "4/0Aü +&=%2F"],
      ["grant_type", "authorization_code"],
      ["redirect_uri", ""],
    ]);
    assert.match(body, /(?:^|&)redirect_uri=(?:&|$)/);
  });

  test("a code exchange request says nothing of a redirect where nothing is known of one", async (t) => {
    const { form } = await sent(t, (request) => requestCodeExchange(request, { code }));
    assert.deepEqual(form, [...inBody, ["code", "4/0Aü +&=%2F"], ["grant_type", "authorization_code"]]);
  });

  test("a code exchange request sends a flow's own redirect and verifier as they are", async (t) => {
    const redirectUri = "https://app.example/cb?a=b&c=%2F";
    const codeVerifier = new Secret("v-._~");
    const { form } = await sent(t, (request) => requestCodeExchange(request, { code, redirectUri, codeVerifier }));
    assert.deepEqual(form, [
      ...inBody,
      ["code", "4/0Aü +&=%2F"],
      ["code_verifier", "v-._~"],
      ["grant_type", "authorization_code"],
      ["redirect_uri", redirectUri],
    ]);
  });
});

describe("a refresh, on the wire", () => {
  const ask = (request: TokenRequest): Promise<TokenResponse> => requestRefresh(request, new Secret("1//0 +&=ü"));
  const refresh = [
    ["grant_type", "refresh_token"],
    ["refresh_token", "1//0 +&=ü"],
  ] as const;

  test("a refresh request is a POST of a form, with the client in the body and nothing else", async (t) => {
    const { method, path, headers, form } = await sent(t, ask);
    assert.deepEqual([method, path], ["POST", "/token"]);
    assert.deepEqual(form, [...inBody, ...refresh]);
    assert.match(headers["content-type"] ?? "", /^application\/x-www-form-urlencoded/);
    assert.equal(headers.accept, "application/json");
    for (const name of ["authorization", "cookie", "origin", "referer"]) assert.equal(headers[name], undefined, name);
  });

  test("a refresh request names the client in the header alone where the provider wants it there, form-encoded first", async (t) => {
    const { headers, form } = await sent(t, ask, { provider: { clientAuthentication: "client_secret_basic" } });
    assert.deepEqual(form, refresh);
    const [scheme, credentials = ""] = (headers.authorization ?? "").split(" ");
    assert.equal(scheme, "Basic");
    const [id = "", secret = "", ...rest] = Buffer.from(credentials, "base64").toString("latin1").split(":");
    assert.deepEqual(rest, [], "a colon in the secret is encoded");
    const decoded = [...new URLSearchParams(`id=${id}&secret=${secret}`).values()];
    assert.deepEqual(decoded, ["id +&=/ü", "GOCSPX-s +&=/ü:"]);
  });

  test("a refresh request leaves ids and secrets of ordinary characters as they are: many servers do not decode", async (t) => {
    const cases: readonly (readonly [string, string, string])[] = [
      ["my-app", "s3cret", "my-app:s3cret"],
      ["my_app.example*1", "GOCSPX-a_b.c", "my_app.example*1:GOCSPX-a_b.c"],
      ["a:b", "50%~ü x/+", "a%3Ab:50%25%7E%C3%BC+x%2F%2B"],
      ["urn:app", "q!'()@&=", "urn%3Aapp:q%21%27%28%29%40%26%3D"],
    ];
    for (const [clientId, clientSecret, expected] of cases) {
      const { headers } = await sent(t, ask, {
        provider: { clientAuthentication: "client_secret_basic" },
        client: { clientId, clientSecret: new Secret(clientSecret) },
      });
      assert.equal(atob((headers.authorization ?? "").replace(/^Basic /, "")), expected);
    }
  });

  test("a refresh request says who a public client is, and sends no secret", async (t) => {
    const { headers, form } = await sent(t, ask, { client: { clientId: "public" } });
    assert.deepEqual(form, [["client_id", "public"], ...refresh]);
    assert.equal(headers.authorization, undefined);
  });

  test("a refresh request follows no redirect, which would carry the refresh token away", async (t) => {
    const elsewhere = await recorder(t, () => tokens);
    for (const status of [301, 302, 303, 307, 308]) {
      const { url } = await recorder(t, () => ({ status, headers: { location: elsewhere.url } }));
      const answer = await ask(requestTo(url));
      assert.deepEqual(answer, { kind: "unusable", status, error: "no_access_token" });
    }
    assert.equal(elsewhere.requests.length, 0);
  });

  test("a refresh request tells an answer that was lost from a request that never left", async (t) => {
    const { url } = await talker(t, (socket) => socket.destroy());
    const lost = await ask(requestTo(url));
    assert.equal(lost.kind === "silence" && lost.sent, true, JSON.stringify(lost));
    const never = await ask(requestTo(await deadPort()));
    assert.equal(never.kind === "silence" && never.sent, false, JSON.stringify(never));
  });
});

function reply(status: number, body: unknown, headers: Record<string, string> = {}): TokenResponse {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return tokenResponseOf({ kind: "body", status, headers: new Headers(headers), text }, now);
}

describe("an answer of the token endpoint", () => {
  test("an answer of the token endpoint brings tokens where it is one of success", () => {
    const response = reply(200, { access_token: "a", refresh_token: "r" });
    assert.ok(response.kind === "tokens");
    assert.equal(response.tokens.accessToken?.expose(), "a");
    assert.equal(response.tokens.refreshToken?.expose(), "r");
    assert.equal(reply(201, { access_token: "a" }).kind, "tokens");
  });

  const refusal = (status: number, error: string, more: object = {}): object => ({
    kind: "oauth-error",
    status,
    error,
    ...more,
  });
  const unusable = (status: number, error: string): object => ({ kind: "unusable", status, error });
  const answers: readonly (readonly [string, number, unknown, object])[] = [
    ["a refusal", 400, { error: "invalid_grant" }, refusal(400, "invalid_grant")],
    ["a refusal as a success", 200, { error: "bad_refresh_token" }, refusal(200, "bad_refresh_token")],
    ["a refusal as an outage", 503, { error: "invalid_grant" }, refusal(503, "invalid_grant")],
    [
      "a refusal with a subtype",
      400,
      { error: "invalid_grant", error_subtype: "invalid_rapt" },
      refusal(400, "invalid_grant", { errorSubtype: "invalid_rapt" }),
    ],
    ["a subtype that is no text", 400, { error: "invalid_grant", error_subtype: 7 }, refusal(400, "invalid_grant")],
    ["an empty code", 400, { error: "" }, refusal(400, "unreadable_error")],
    ["a code with a line break", 400, { error: "invalid_grant\r\nx: y" }, refusal(400, "unreadable_error")],
    ["a code with a script", 400, { error: "<script>" }, refusal(400, "unreadable_error")],
    ["a code that is a token", 400, { error: "ya29.".padEnd(80, "x") }, refusal(400, "unreadable_error")],
    ["a code that is nearly one", 400, { error: "invalid_grant " }, refusal(400, "unreadable_error")],
    [
      "a subtype with odd letters",
      400,
      { error: "invalid_grant", error_subtype: "\u0000" },
      refusal(400, "invalid_grant", { errorSubtype: "unreadable_error" }),
    ],
    ["Google's error of an API", 403, { error: { code: 403, message: "no" } }, unusable(403, "no_access_token")],
    ["a number for an error", 400, { error: 7 }, unusable(400, "no_access_token")],
    ["a token with an outage", 500, { access_token: "a" }, unusable(500, "no_access_token")],
    ["a token with a refusal", 400, { access_token: "a" }, unusable(400, "no_access_token")],
    ["nothing", 200, {}, unusable(200, "no_access_token")],
    ["no body", 204, "", unusable(204, "not_json")],
    ["a page", 200, "<!doctype html>", unusable(200, "not_json")],
    ["a page of an outage", 502, "<h1>Bad Gateway</h1>", unusable(502, "not_json")],
    ["half of an answer", 200, '{"access_token":"ya', unusable(200, "not_json")],
    ["a list of two", 200, [{ access_token: "a" }, { access_token: "b" }], unusable(200, "not_json")],
    ["null", 200, null, unusable(200, "not_json")],
    [
      "a refusal as a form",
      200,
      "error=bad_verification_code&error_description=x",
      { ...refusal(200, "bad_verification_code"), says: "x" },
    ],
    ["a refusal as a form, with a refusal's status", 400, "error=invalid_grant", refusal(400, "invalid_grant")],
    ["a form of something else", 200, "a=b", unusable(200, "not_json")],
    ["a token that needs a proof", 200, { access_token: "a", token_type: "DPoP" }, unusable(200, "no_access_token")],
    ["half of a form", 200, "access_tok", unusable(200, "not_json")],
    ["neither token", 200, { refresh_token: "", token_type: "Bearer" }, unusable(200, "no_access_token")],
    ["an empty access token", 200, { access_token: "" }, unusable(200, "no_access_token")],
    ["an access token that is no text", 200, { access_token: 7 }, unusable(200, "no_access_token")],
  ];
  for (const [what, status, body, expected] of answers) {
    test(`an answer of the token endpoint is read: ${what}, with ${status}`, () => {
      assert.deepEqual(reply(status, body), expected);
    });
  }

  test("an answer of the token endpoint keeps tokens that came beside an error: they may be the only copy of a new refresh token", () => {
    for (const error of ["", "none", "invalid_grant", null, { code: 0 }]) {
      const response = reply(200, { error, access_token: "a", refresh_token: "r" });
      assert.ok(response.kind === "tokens");
      assert.equal(response.tokens.refreshToken?.expose(), "r");
    }
  });

  /** Bodies with success; each holds the access token `a` and the refresh token `r`, except where it says so. */
  const spellings: Readonly<Record<string, string>> = {
    "a byte order mark in the text": '\ufeff{"access_token":"a","refresh_token":"r"}'.slice(1),
    "blanks and line ends": '\r\n\t {"access_token" :\n"a" , "refresh_token"\t: "r"}\n\n',
    "a list of one": '[{"access_token":"a","refresh_token":"r"}]',
    "JSON in a string": JSON.stringify('{"access_token":"a","refresh_token":"r"}'),
    "one object further down": '{"ok":true,"data":{"access_token":"a","refresh_token":"r"},"meta":{"v":1}}',
    "other capitals": '{"Access_Token":"a","REFRESH_TOKEN":"r"}',
    humps: '{"accessToken":"a","refreshToken":"r","expiresIn":60}',
    dashes: '{"access-token":"a","refresh-token":"r"}',
    "a form": "access_token=a&refresh_token=r&token_type=bearer",
    "a form with escapes": "access%5Ftoken=%61&refresh_token=%72\n",
    "a member before it that is no JSON": '{"expires_in":NaN,"access_token":"a","refresh_token":"r"}',
    "a comma too many": '{"access_token":"a","refresh_token":"r",}',
    "a comma too few": '{"access_token":"a" "refresh_token":"r"}',
    "single quotes": "{'access_token': 'a', 'refresh_token': 'r'}",
    "a line end in a text": '{"note":"one\ntwo","access_token":"a","refresh_token":"r"}',
    "something before": ')]}\'\n{"access_token":"a","refresh_token":"r"}',
    "something after": '{"access_token":"a","refresh_token":"r"}<!-- served by web-3 -->',
    "a warning of the server's language": '<b>Warning</b>: x in y<br>\n{"access_token":"a","refresh_token":"r"}',
    "the same members twice": '{"access_token":"a","refresh_token":"r","access_token":"a","refresh_token":"r"}',
    "a second one that is empty": '{"access_token":"a","refresh_token":"r","refresh_token":null}',
    "one object further down, with a second one that is empty":
      '{"data":{"access_token":"a","refresh_token":"r","refresh_token":null}}',
    "a null in its own place, and the tokens further down":
      '{"access_token":null,"data":{"access_token":"a","refresh_token":"r"}}',
    "a refresh token in a list": '{"access_token":"a","refresh_token":["r"]}',
    "a refresh token in an object": '{"access_token":"a","refresh_token":{"token":"r","expires_in":9}}',
    "a member that is called like the parent of all": '{"__proto__":{"x":1},"access_token":"a","refresh_token":"r"}',
  };
  for (const [what, text] of Object.entries(spellings)) {
    test(`an answer of the token endpoint is read with ${what}`, () => {
      const response = reply(200, text);
      assert.ok(response.kind === "tokens", JSON.stringify(response));
      assert.equal(response.tokens.accessToken?.expose(), "a");
      assert.equal(response.tokens.refreshToken?.expose(), "r");
    });
  }

  const whole = '{"access_token":"a","refresh_token":"r","scope":"openid files"}';
  const cut = (text: string, after: string): string => text.slice(0, text.indexOf(after) + after.length);
  const part = (text: string): TokenResponse =>
    tokenResponseOf(
      { kind: "silence", sent: true, error: "terminated", begun: { status: 200, headers: new Headers(), text } },
      now,
    );
  test("an answer of the token endpoint that was cut off counts where its refresh token came, and no scope counts as granted", () => {
    for (const text of [whole, cut(whole, '"r"'), cut(whole, '"openid fi'), `{"refresh_token":"r","access_tok`]) {
      const response = part(text);
      assert.ok(response.kind === "tokens", text);
      assert.equal(response.tokens.refreshToken?.expose(), "r");
      assert.equal(response.tokens.scope, text === whole ? "openid files" : undefined);
      assert.equal(response.tokens.scopeUnread, text === whole ? undefined : true);
    }
  });

  test("an answer of the token endpoint that was cut off before or in its refresh token is no answer: half a token is none", () => {
    const silence = { kind: "silence", sent: true, error: "terminated" };
    const form = "access_token=a&refresh_token=r12";
    for (const text of ["", cut(whole, '"a"'), cut(whole, '"refresh_token":"'), cut(whole, ':"r'), form]) {
      assert.deepEqual(part(text), silence, text);
    }
    assert.equal(part(`${form}&scope=o`).kind, "tokens");
  });

  test("an answer of the token endpoint that is larger than anything counts where its refresh token came", () => {
    const headers = new Headers();
    const response = tokenResponseOf({ kind: "too-large", status: 200, headers, text: cut(whole, '"r"') }, now);
    assert.ok(response.kind === "tokens");
    assert.equal(response.tokens.refreshToken?.expose(), "r");
    assert.equal(tokenResponseOf({ kind: "too-large", status: 500, headers, text: whole }, now).kind, "unusable");
  });

  test("an answer of the token endpoint is read where it is larger than 64 KiB, with its refresh token at the end", async (t) => {
    const body = { access_token: "a", padding: "x".repeat(500_000), refresh_token: "r" };
    const { url } = await recorder(t, () => ({ body }));
    const response = await requestRefresh(requestTo(url), new Secret("sent"));
    assert.ok(response.kind === "tokens", JSON.stringify(response));
    assert.equal(response.tokens.refreshToken?.expose(), "r");
  });

  const pad = (bytes: number): string => "x".repeat(bytes);
  const limit = 1024 * 1024;
  const beside = { access_token: "a", refresh_token: "r-new", token_type: "Bearer" };
  for (const [where, body] of [
    ["after 2 MB", { padding: pad(2_000_000), ...beside }],
    ["after 20 MB", { padding: pad(20_000_000), ...beside }],
    ["between 2 MB and 2 MB", { padding: pad(2_000_000), ...beside, more: pad(2_000_000) }],
    ["an object deeper", { padding: pad(2_000_000), data: beside, more: pad(2_000_000) }],
    ["after its escaped name", { padding: `${pad(2_000_000)}"refresh_token":"not this"`, ...beside }],
    ...[-40, -25, -14, -8, -1, 0, 1].map((off) => {
      const before = '{"padding":"","refresh_token":"'.length;
      return [`over the limit, ${off}`, { padding: pad(limit - before + 8 + off), refresh_token: "r-new" }] as const;
    }),
  ] as const) {
    test(`an answer of the token endpoint keeps its refresh token where that stands ${where}`, async (t) => {
      const { url } = await recorder(t, () => ({ body }));
      const response = await requestRefresh(requestTo(url), new Secret("sent"));
      assert.ok(response.kind === "tokens", JSON.stringify(response).slice(0, 300));
      assert.equal(response.tokens.refreshToken?.expose(), "r-new");
    });
  }

  test("an answer of the token endpoint keeps its refresh token where the connection ends after it, beyond the limit", async () => {
    const text = `{"padding":"${pad(2_000_000)}","refresh_token":"r-new","more":"`;
    const http = wireWith({
      fetch: async () => {
        let isSent = false;
        const body = new ReadableStream<Uint8Array>({
          pull(controller) {
            if (isSent) controller.error(new Error("terminated"));
            else controller.enqueue(new TextEncoder().encode(text));
            isSent = true;
          },
        });
        return new Response(body, { headers: { "content-type": "application/json" } });
      },
    });
    const response = await requestRefresh({ ...requestTo("http://127.0.0.1:9"), http }, new Secret("sent"));
    assert.ok(response.kind === "tokens", JSON.stringify(response));
    assert.equal(response.tokens.refreshToken?.expose(), "r-new");
  });

  test("an answer of the token endpoint that does not end, or has no refresh token, is too large", async (t) => {
    for (const bytes of [2_000_000, 40_000_000]) {
      const { url } = await recorder(t, () => ({ body: { padding: pad(bytes) } }));
      const response = await requestRefresh(requestTo(url), new Secret("sent"));
      assert.ok(response.kind === "unusable" && response.error === "body_too_large", JSON.stringify(response));
    }
  });

  test("an answer of the token endpoint is read to its limit, and by what was received", () => {
    const headers = new Headers({ "retry-after": "9" });
    assert.deepEqual(tokenResponseOf({ kind: "too-large", status: 200, headers, text: '{"a":"' }, now), {
      kind: "unusable",
      status: 200,
      error: "body_too_large",
      retryAfterMs: 9_000,
    });
    const silence: TokenFailure = { kind: "silence", sent: true, error: "timeout" };
    assert.deepEqual(tokenResponseOf(silence, now), silence);
  });

  test("an answer of the token endpoint says how long to wait, in whatever shape it comes", () => {
    const later = { "retry-after": new Date(now + 5_000).toUTCString() };
    for (const answer of [
      reply(429, { error: "slow_down" }, later),
      reply(503, "<html>", later),
      reply(200, {}, later),
    ]) {
      assert.equal((answer as { retryAfterMs?: number }).retryAfterMs, 5_000, JSON.stringify(answer));
    }
  });

  test("an answer of the token endpoint is not judged by its description, which changes with time and language", () => {
    const word = fc.oneof(fc.string(), fc.constantFrom("Token has been expired or revoked.", "Bad Request"));
    const status = fc.constantFrom(200, 400, 401, 429, 500);
    const error = fc.constantFrom("invalid_grant", "invalid_client", "temporarily_unavailable", "x");
    fc.assert(
      fc.property(status, error, word, word, (status, error, error_description, error_uri) => {
        const { says: _, ...judged } = { says: "", ...reply(status, { error, error_description, error_uri }) };
        assert.deepEqual(judged, reply(status, { error }));
      }),
    );
  });

  test("an answer of the token endpoint is always one of the four kinds, and has tokens exactly where it says so", () => {
    const body = fc.oneof(
      fc.string(),
      fc.jsonValue(),
      fc.record(
        {
          access_token: fc.oneof(fc.string(), fc.constant("a"), fc.integer()),
          refresh_token: fc.oneof(fc.string(), fc.constant(null)),
          expires_in: fc.oneof(fc.double(), fc.string()),
          token_type: fc.oneof(fc.constantFrom("Bearer", "bearer", "DPoP"), fc.string()),
          error: fc.oneof(fc.string(), fc.jsonValue()),
        },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 599 }), body, (status, body) => {
        const answer = reply(status, body);
        if (answer.kind === "oauth-error") assert.match(answer.error, /^[\w.-]{1,64}$/);
        if (answer.kind === "tokens") assert.ok(status < 300);
      }),
    );
  });
});
