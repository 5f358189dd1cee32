/**
 * Secrets in every place where somebody could put one, and whatever the library says of it: no error, event, log line, span or
 * problem document may have one. `SECRETS=full` plants thousands; without it, some hundred. `SECRETS_SEED` plants others.
 */
import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { inspect } from "node:util";
import { pino } from "pino";
import { isOnbehalfError, oidc, openVault, keyringFromKeys, problemResponse } from "../../src/index.ts";
import type { ExchangeCodeOptions, Provider, Vault } from "../../src/index.ts";
import { faultLogger } from "../../src/service/error-log.ts";
import { loggedError } from "../../src/core/logged-error.ts";
import { fromFaultMessage, toErrorMessage, toFaultMessage } from "../../src/keeper-process/messages.ts";
import { eventLogger } from "../../src/service/log.ts";
import { failureOf } from "../../src/cli/terminal/failure.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { oneOf, seeded } from "../../tools/random.ts";
import { bentProvider } from "../support/bent-provider.ts";
import type { Bend, BentAnswer } from "../support/bent-provider.ts";
import { SecretPlanter, findPlanted, secretKinds } from "../support/planted-secrets.ts";
import type { SecretKind } from "../support/planted-secrets.ts";
import { testTelemetry } from "../support/spans.ts";

const isFull = process.env["SECRETS"] === "full";
const seed = Number(process.env["SECRETS_SEED"] ?? 20_261_126);
const wanted = isFull ? 8_000 : 1_500;

const random = seeded(seed);
const planter = new SecretPlanter();
const plant = (kind: SecretKind): string => planter.plant(kind);
const any = (): string => plant(pick(...secretKinds));
const inUrl = (): string => encodeURIComponent(any());
function pick<T>(...items: readonly T[]): T {
  return oneOf(random, items) as T;
}

/** Everything that anybody could print of an error. */
async function saidOf(error: unknown): Promise<string> {
  const inspected = inspect(error, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null });
  const lines = [inspected, inspect(error), JSON.stringify(error), JSON.stringify(loggedError(error))];
  if (error instanceof Error) lines.push(String(error), error.message, error.stack ?? "");
  if (isOnbehalfError(error)) lines.push(JSON.stringify(toErrorMessage(error)), JSON.stringify(error.details));
  lines.push(inspect(fromFaultMessage(toFaultMessage(error))), failureOf(error).lines.join("\n"));
  const response = problemResponse(error);
  return [...lines, ...[...response.headers].flat(), await response.text()].join("\n");
}

/** An answer of a provider that repeats secrets wherever it can. */
function talkative(): BentAnswer {
  const echo = (): string => pick(any(), `was ${any()} and ${any()}`);
  const headers = {
    "www-authenticate": `Bearer error="${any()}", error_description="${any()}"`,
    "set-cookie": `a=${any()}`,
    "x-debug": any(),
    ...(random() < 0.3 ? { location: `https://portal.example/?code=${any()}#${any()}` } : {}),
    ...(random() < 0.3 ? { "retry-after": any() } : {}),
    ...(random() < 0.3 ? { "content-type": `text/${plant("opaque")}` } : {}),
  };
  const body = {
    error: pick("invalid_grant", "invalid_client", "invalid_request", "server_error", `odd ${any()}`, any()),
    error_description: echo(),
    error_uri: `https://errors.example/${any()}`,
    error_subtype: any(),
    [any()]: any(),
    error_codes: [any()],
    trace: { request: { refresh_token: any(), client_secret: any() } },
  };
  const text = pick(
    JSON.stringify(body),
    JSON.stringify({ error: { code: any(), message: any(), details: [any()] } }),
    `<html><title>${any()}</title><p>${any()}</p>`,
    JSON.stringify(body).slice(0, -20),
    JSON.stringify(any()),
    any(),
    new URLSearchParams({ error: any(), error_description: any() }).toString(),
    "",
  );
  const status = pick(200, 201, 302, 400, 400, 400, 401, 403, 404, 413, 418, 429, 500, 502, 503, 599);
  return { status, headers, text, ...(random() < 0.15 ? { cutAfter: Math.floor(text.length / 2) } : {}) };
}

const bends: readonly (() => Bend)[] = [
  () => ({ token: () => talkative() }),
  () => ({ token: () => talkative() }),
  () => ({ token: () => talkative() }),
  () => ({
    token: (answer) => ({
      body: {
        ...answer,
        access_token: plant("accessToken"),
        refresh_token: plant("refreshToken"),
        id_token: pick(answer["id_token"], plant("idToken"), undefined, 5),
        scope: pick<unknown>("openid files", 7),
        token_type: pick("Bearer", any(), "mac"),
        expires_in: pick<unknown>(3600, any(), -1),
        [any()]: any(),
      },
    }),
  }),
  () => ({
    token: (answer) => ({
      body: { ...answer, access_token: pick<unknown>(plant("accessToken"), `${any()}\n`, 5, [any()]) },
    }),
  }),
  () => ({
    claims: () => ({
      [pick("iss", "aud", "azp", "nonce", "sub", "exp", "iat", "at_hash", "email", "name", "picture")]: any(),
      email: plant("email"),
      name: plant("name"),
    }),
  }),
  () => ({ jwks: () => talkative(), claims: () => ({ email: plant("email") }) }),
  () => ({ revoke: () => talkative() }),
];

/** What goes wrong on the way to the provider, or in the answer. */
function options(): Partial<ExchangeCodeOptions> & Record<string, unknown> {
  const wrong = (): unknown => pick<unknown>(any(), `${any()}\n`, `${any()} ${any()}`, [any()], { a: any() }, 5, null);
  const all: Record<string, unknown> = { code: `someone/${plant("code")}` };
  if (random() < 0.75) return all;
  const names = [
    "code",
    "source",
    "redirectUri",
    "codeVerifier",
    "nonce",
    "scopes",
    "externalId",
    "provider",
    "isPublic",
  ];
  for (let count = 1 + Math.floor(random() * 3); count > 0; count -= 1) all[pick(...names)] = wrong();
  if (random() < 0.3) all["redirectUri"] = `https://${inUrl()}@app.example/${any()}?${any()}=${any()}`;
  return all;
}

test(
  `planted secrets stand in no error, event, log line, span or problem document (SECRETS_SEED=${seed})`,
  { timeout: 600_000 },
  async (t) => {
    const lines: string[] = [];
    const to = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString());
        done();
      },
    });
    const logger = pino({ base: null, level: "debug" }, to);
    const log = eventLogger(logger);
    const onFault = faultLogger(logger);
    const clientSecret = plant("clientSecret");
    const said: string[] = [];
    const codes = new Map<string, number>();
    const check = (text: string, about: string): void => {
      const found = findPlanted(text);
      if (found !== undefined) said.push(`${about}: ${found}`);
    };
    const attempt = async (about: string, act: () => unknown): Promise<void> => {
      try {
        await act();
      } catch (error) {
        const code = isOnbehalfError(error) ? error.code : error instanceof Error ? error.name : typeof error;
        codes.set(code, (codes.get(code) ?? 0) + 1);
        check(await saidOf(error), `${about}, ${code}`);
      }
    };

    const { telemetry, spans } = testTelemetry(t);
    let api = new Response("ok");
    const send: typeof fetch = async (input, init) =>
      new URL(input instanceof Request ? input.url : input).hostname === "api.example"
        ? api.clone()
        : fetch(input, init);
    const provider = await bentProvider(
      t,
      {},
      {
        provider: { clientSecret, apiHosts: ["api.example"] },
        vault: {
          fetch: send,
          telemetry,
          onEvent: (event) => {
            check(inspect(event, { depth: 20 }), `the event ${event.type}`);
            log(event);
          },
          onFault: (fault, during) => {
            onFault(fault, during);
          },
          exchangeRate: { perSecond: 10_000, burst: 10_000 },
        },
      },
    );
    const { vault, clock } = provider;
    let people = 0;
    /** A sound grant of somebody new. A provider that said much before may have to be left alone for a while. */
    const connected = async (more: Partial<ExchangeCodeOptions> = {}): Promise<string> => {
      provider.bend = {};
      for (let tries = 0; tries < 10; tries += 1) {
        clock.advance(3_700_000);
        try {
          return (await provider.connect(`p${(people += 1)}/${plant("code")}`, more)).grantId;
        } catch (error) {
          if (!isOnbehalfError(error, "provider_unavailable")) throw error;
        }
      }
      return assert.fail("a sound provider answers in the end");
    };
    const scenarios: Readonly<Record<string, () => Promise<void>>> = {
      async "a code"() {
        provider.bend = pick(() => ({}), ...bends)();
        await attempt("a code", () => provider.connect(undefined, options()));
      },
      async "a refresh and a revocation"() {
        const grantId = await connected({ externalId: `u${people}` });
        clock.advance(3_700_000);
        provider.bend = pick(...bends)();
        await attempt("a refresh", () => vault.getAccessToken(grantId));
        await attempt("another refresh", () => vault.getAccessToken(grantId, { refused: any() }));
        await attempt("a look", async () => check(inspect(await vault.grant(grantId), { depth: 9 }), "a grant"));
        await attempt("a revocation", () => vault.revoke(grantId));
        clock.advance(3_700_000);
      },
      async "a reference"() {
        const ref = pick<unknown>(any(), { grantId: any() }, { externalId: any() }, { subject: any() }, [any()], {
          externalId: any(),
          provider: any(),
        });
        await attempt("a reference", () => vault.getAccessToken(ref as never));
        await attempt("a reference", () => vault.revoke(ref as never));
        await attempt("a list", () => vault.grants({ [pick("cursor", "state", "externalId")]: any() }));
      },
      async "a call"() {
        const grantId = await connected();
        const url = pick(
          `https://api.example/${any()}?access_token=${any()}`,
          `https://${inUrl()}:${inUrl()}@api.example/`,
          `http://api.example/${any()}`,
          any(),
          `javascript:${any()}`,
        );
        const headers = pick<Record<string, string>>(
          {},
          { authorization: `Bearer ${any()}` },
          { [any()]: any() },
          { host: any() },
          { "x-a": `${any()}\n` },
          { "proxy-authorization": any() },
        );
        api = new Response(any(), { status: pick(200, 401, 403, 500), headers: { "www-authenticate": any() } });
        await attempt("a call", () => vault.fetch(grantId, url, { method: pick("GET", "POST", any()), headers }));
        await attempt("a call", () => vault.fetch(grantId, "https://api.example/", { body: any(), headers }));
      },
      async "a caller's key"() {
        const header = pick(
          any(),
          `Bearer ${any()}`,
          `Basic ${any()}`,
          `${any()} ${any()}`,
          `Bearer ${plant("callerKey")}`,
        );
        await attempt("a key", () => vault.callers.authenticate(header));
        await attempt("a caller", () => vault.callers.rotate(any(), { overlapMs: 0 }));
        await attempt("a caller", () => vault.callers.create(any(), { allow: [any()] } as never));
        await attempt("a caller", () => vault.callers.create("x", { allow: ["token"], grants: [` ${any()}`] }));
      },
      async "what a page posts"() {
        provider.bend = pick(() => ({}), ...bends)();
        const form = new URLSearchParams({
          [pick("authCode", "code", any())]: any(),
          [pick("source", "nonce", "redirect_uri", "code_verifier", "scope", "external_id", any())]: any(),
        }).toString();
        const sent = pick(form, JSON.stringify(Object.fromEntries(new URLSearchParams(form))), `{"${any()}`, any());
        const type = pick("application/json", "application/x-www-form-urlencoded", `text/${any()}`, any());
        const headers = {
          "x-requested-with": any(),
          "content-type": type,
          origin: pick(`https://${plant("opaque")}`, "null"),
        };
        const url = `http://localhost/authcode?${any()}=${any()}`;
        const answer = await vault.authCodeHandler()(new Request(url, { method: "POST", headers, body: sent }));
        const text = await answer.text();
        if (answer.status >= 400)
          check(`${[...answer.headers].flat().join("\n")}\n${text}`, `a post: ${answer.status}`);
        codes.set(String(answer.status), (codes.get(String(answer.status)) ?? 0) + 1);
      },
      async "the opening of a vault"() {
        const bent = (): Provider =>
          oidc({
            name: "bent",
            issuer: pick(provider.url, `http://${inUrl()}:${inUrl()}@127.0.0.1:1`, any()),
            clientId: pick("cid", "cid", "cid", `${any()}\n`),
            clientSecret: pick(clientSecret, clientSecret, clientSecret, `${any()}\n`, ` ${any()}`, `"${any()}"`),
            ...(random() < 0.3 ? { [pick("apiHosts", "rotation")]: pick<unknown>(any(), [any()], {}) } : {}),
          });
        provider.bend = pick<() => Bend>(
          () => ({}),
          () => ({
            discovery: (url) => ({ [pick("issuer", "token_endpoint", "jwks_uri")]: `${url}/x?${any()}` }),
          }),
          () => ({
            discovery: () => ({ token_endpoint: pick<unknown>(any(), `http://${any()}:${any()}@x/`, [any()]) }),
          }),
        )();
        const key = pick(provider.key.expose(), plant("masterKey"), any());
        await attempt("the opening", async () => {
          let opened: Vault | undefined;
          try {
            opened = await openVault({
              provider: bent(),
              store: sqlite(":memory:"),
              keyring: keyringFromKeys(key),
              onEvent: (event) => check(inspect(event, { depth: 20 }), `the event ${event.type}`),
              ...(random() < 0.1 ? { [pick("clock", "sleep")]: any() } : {}),
            });
            await opened.exchangeCode({ code: any() });
          } finally {
            await opened?.close();
          }
        });
      },
    };
    const names = Object.keys(scenarios);
    let at = 0;
    for (; planter.planted < wanted && said.length < 5; at += 1) await scenarios[names[at % names.length] ?? ""]?.();

    check(lines.join(""), "the log");
    for (const { name, attributes, status, events } of spans()) {
      check(JSON.stringify([name, attributes, status, events]), `the span ${name}`);
    }
    assert.ok(spans().length > 100);
    assert.deepEqual([...new Set(said)].slice(0, 5), []);
    for (const expected of ["invalid_request", "provider_unavailable", "unauthorized", "configuration_invalid"])
      assert.ok(codes.has(expected), `${expected}: ${JSON.stringify([...codes])}`);
    t.diagnostic(
      `${planter.planted} secrets in ${at} rounds; ${lines.length} lines of log; ${JSON.stringify([...codes])}`,
    );
  },
);
