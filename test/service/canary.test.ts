import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { keyringFromKeys, movableClock, openVault } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { findSecret } from "../support/secret-encodings.ts";
import { eavesdropper } from "../support/eavesdropper.ts";
import { appData, testVault } from "../support/test-vault.ts";
import type { TestVault } from "../support/test-vault.ts";
import { raw } from "../support/test-service.ts";
import { permissions } from "../../src/vault/http/callers.ts";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

interface Running {
  readonly url: string;
  /** Everything it has printed. */
  output(): Buffer;
  /** Ends it as an operator would, and resolves once it has gone. */
  stop(): Promise<void>;
}

/** `onbehalf serve`, with its keeper, telling all it can. */
async function serve(t: TestContext, fixture: TestVault, googleBaseUrl: string): Promise<Running> {
  const { NODE_TEST_CONTEXT: _runner, ...env } = process.env;
  const child = spawn(process.execPath, [main, "serve", "--json"], {
    env: {
      ...env,
      ONBEHALF_STORE: `sqlite:${fixture.path}`,
      ONBEHALF_KEY: fixture.key.expose(),
      ONBEHALF_CLIENT_ID: fixture.standin.clientId,
      ONBEHALF_CLIENT_SECRET: fixture.standin.clientSecret,
      ONBEHALF_GOOGLE_BASE_URL: googleBaseUrl,
      ONBEHALF_LOG_LEVEL: "debug",
      PORT: "0",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks: Buffer[] = [];
  const ready = Promise.withResolvers<string>();
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stdout.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    const line = /^\{"service":"([^"]+)"/m.exec(chunk.toString())?.[1];
    if (line !== undefined) ready.resolve(line);
  });
  void gone.then(() => ready.reject(new Error(`it ended: ${Buffer.concat(chunks).toString()}`)));
  t.after(async () => {
    child.kill("SIGKILL");
    await gone;
  });
  return {
    url: await ready.promise,
    output: () => Buffer.concat(chunks),
    async stop() {
      child.kill("SIGTERM");
      await gone;
    },
  };
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [path];
  });
}

test("no token, code, key or secret that passes through a service is found in its files, logs or answers", async (t) => {
  const fixture = await testVault(t, { clock: movableClock() });
  const { standin } = fixture;
  const google = await eavesdropper(t, standin.url);
  const { secrets } = google;
  secrets.set("master key", fixture.key.expose());
  secrets.set("master key's body", fixture.key.expose().slice("obm_".length, -"_01234567".length));

  // The callers' keys are made by another process, as an operator makes them.
  const operator = await openVault({
    provider: fixture.provider,
    store: sqlite(fixture.path),
    keyring: keyringFromKeys(fixture.key),
  });
  const keys = await Promise.all(
    ["all", "reader"].map(async (name) => {
      const { key } = await operator.callers.create(name, { allow: name === "all" ? permissions : ["grants:read"] });
      secrets.set(`caller key ${name}`, key.expose());
      secrets.set(`caller key ${name}'s secret`, key.expose().split("_")[2] ?? "");
      return key.expose();
    }),
  );
  await operator.close();
  const [key = "", reader = ""] = keys;

  const service = await serve(t, fixture, google.url);
  const answers: string[] = [];
  /** Asks, and keeps the answer where it may hold no secret. */
  const ask = async (
    path: string,
    init: Omit<RequestInit, "headers"> & { headers?: Record<string, string> } = {},
  ): Promise<Response> => {
    const headers = { authorization: `Bearer ${key}`, ...init.headers };
    const response = await fetch(service.url + path, { redirect: "manual", ...init, headers });
    const text = await response.clone().text();
    const isToken = path.includes("/token") && response.status === 200;
    answers.push([...response.headers].join("\n"), isToken ? "" : text);
    return response;
  };
  const post = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
    ask(path, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", "x-requested-with": "x", ...headers },
      body,
    });
  const codeOf = (email: string, more = {}): string => {
    const code = standin.code({ email, scope: `openid email profile ${appData}`, ...more });
    secrets.set(`code ${code}`, code);
    return code;
  };

  // Codes, by every route, right and wrong.
  const verifier = "a-code-verifier-that-nobody-else-should-ever-see";
  secrets.set("verifier", verifier);
  const code = codeOf("ada.canary@example.com");
  await post("/authcode", `authCode=${encodeURIComponent(code)}`, { "x-requested-with": "" });
  const consent = await post("/authcode", `authCode=${encodeURIComponent(code)}`);
  assert.equal(consent.status, 200);
  const { grant_id: grantId = "", sub = "" } = (await consent.json()) as Record<string, string>;
  await post("/authcode", JSON.stringify({ authCode: code }), { "content-type": "application/json" });
  await post("/authcode", `{"authCode":"${code}"`, { "content-type": "application/json" });
  await post("/authcode", `authCode=${encodeURIComponent(code)}&authCode=${encodeURIComponent(code)}`);
  await post("/authcode", `authCode=${encodeURIComponent(code)}&nonce=another`);
  await post(
    "/authcode",
    `authCode=${encodeURIComponent(code)}&${encodeURIComponent(code)}=1&${encodeURIComponent(code)}=1`,
  );
  await post("/authcode", `authCode=${encodeURIComponent(code)}&source=${encodeURIComponent(code)}`);
  await post("/authcode", `authCode=${encodeURIComponent(code)}`, {
    "content-type": `text/${code.replaceAll("/", "")}`,
  });
  await post("/authcode", `authCode=${encodeURIComponent(`${code}\n`)}&code_verifier=${verifier}`);
  await post("/authcode", `authCode=${encodeURIComponent(codeOf("x@example.com", { kind: "popup" }))}&source=ios`);
  await ask(`/authcode?authCode=${encodeURIComponent(codeOf("x@example.com"))}`);
  await ask(`/${encodeURIComponent(codeOf("x@example.com"))}`);
  await post(
    "/v1/grants",
    `code=${encodeURIComponent(codeOf("carl.canary@example.com"))}&external_id=canary-user-4711`,
  );
  const redirect = {
    kind: "redirect",
    redirectUri: "http://127.0.0.1:1/",
    codeChallenge: verifier,
    codeChallengeMethod: "plain",
  };
  await post(
    "/v1/grants",
    new URLSearchParams({
      code: codeOf("pkce@example.com", redirect),
      redirect_uri: "http://127.0.0.1:1/",
      code_verifier: verifier,
    }).toString(),
  );
  standin.settings({ idTokenFlaw: "bad_signature" });
  await post("/authcode", `authCode=${encodeURIComponent(codeOf("flawed@example.com"))}`);
  standin.settings({ idTokenFlaw: null });

  // Keys and tokens where they do not belong.
  const wrong = `${key.slice(0, -1)}${key.endsWith("0") ? "1" : "0"}`;
  for (const authorization of [`Bearer ${wrong}`, `Basic ${Buffer.from(key).toString("base64")}`, key]) {
    await ask("/v1/grants", { headers: { authorization } });
  }
  await ask(`/v1/grants/${key}/token`);
  await ask(`/v1/grants?cursor=${key}&state=${key}`);
  await ask(`/v1/grants/${grantId}/token?min_ttl_seconds=${key}`);
  await ask(`/v1/grants/${grantId}/token`, { headers: { authorization: `Bearer ${reader}` } });
  await raw(service.url, `GET /v1/grants HTTP/1.1\r\nHost: ${key}\r\nAuthorization: Bearer ${key}\r\nbroken\r\n\r\n`);

  // Tokens, their refreshes, and everything that can go wrong with them.
  let last = "";
  const token = async (of = grantId): Promise<void> => {
    // Another one each time, so that the provider is asked.
    const refused = createHash("sha256").update(last).digest("hex");
    const response = await ask(`/v1/grants/${of}/token?refused=${refused}`);
    if (response.status !== 200) return;
    const { access_token: value = "" } = (await response.json()) as Record<string, string>;
    last = value;
    secrets.set(`handed out ${value}`, value);
  };
  await token();
  await token();
  const [refreshToken = ""] = [...secrets].filter(([name]) => name.includes("refresh_token")).map(([, value]) => value);
  assert.match(refreshToken, /^1\/\//);
  let faults = 0;
  const echo = `${refreshToken} ${standin.clientSecret}`;
  for (const fault of [
    { status: 503, retryAfter: 0, body: { error: "server_error", error_description: echo } },
    { status: 400, retryAfter: 0, body: { error: `unheard of ${echo}`, error_subtype: echo } },
    { html: true, retryAfter: 0, body: `<p>${echo}</p>` },
    { location: `http://portal.example/?${new URLSearchParams({ echo }).toString()}`, retryAfter: 0 },
    { drop: true },
    { invalidJson: true, retryAfter: 0 },
  ]) {
    // A grant for each: after two refused tokens in a row, no other is refreshed for a while.
    const code = codeOf(`fault${String((faults += 1))}.canary@example.com`);
    const made = await post("/v1/grants", new URLSearchParams({ code, source: "android" }).toString());
    const { grant_id: another = "" } = (await made.json()) as { grant_id?: string };
    await token(another);
    standin.fault("POST", "/token", { times: 1, ...fault });
    await token(another);
    await token(another);
  }
  const drive = `/v1/grants/${grantId}/proxy/www.googleapis.com/drive/v3/files`;
  const proxied = await ask(`${drive}/appfolder`);
  assert.equal(proxied.status, 200, await proxied.text());
  standin.fault("GET", "/drive/v3/files/appfolder", { times: 1, status: 401 });
  await ask(`${drive}/appfolder`);
  standin.fault("GET", "/drive/v3/files/appfolder", { times: 1, drop: true });
  await ask(`${drive}/appfolder`);
  await ask(`/v1/grants/${grantId}/proxy/attacker.example/${encodeURIComponent(refreshToken.replaceAll("/", "_"))}`);
  await ask(`${drive}/${"x".repeat(2_000)}`, { method: "DELETE" });

  // What anyone may read, and the ends of grants.
  for (const path of [
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/.well-known/jwks.json",
    "/v1/grants",
    `/v1/grants/${grantId}`,
  ]) {
    await ask(path);
  }
  standin.fault("POST", "/revoke", { times: 1, status: 500, body: { error: echo } });
  await ask("/v1/grants/ext:canary-user-4711", { method: "DELETE" });
  await ask("/v1/grants/ext:canary-user-4711", { method: "DELETE" });
  standin.revoke("ada.canary@example.com");
  await token();

  const live = filesUnder(join(fixture.path, "..")).map((path) => [path, readFileSync(path)] as const);
  await service.stop();
  const places: (readonly [string, Buffer])[] = [
    ...live,
    ...filesUnder(join(fixture.path, "..")).map((path) => [`${path}, closed`, readFileSync(path)] as const),
    ["the log", service.output()],
    ["an answer", Buffer.from(answers.join("\n"))],
  ];

  const kinds = ["access_token", "refresh_token", "id_token", "client_secret", "code"];
  for (const kind of kinds)
    assert.ok(
      [...secrets.keys()].some((name) => name.includes(kind)),
      `${kind} came by`,
    );
  assert.ok(secrets.size > 40, `${secrets.size} secrets`);
  assert.ok(service.output().includes("code_rejected") && service.output().includes("refreshed"), "the log tells much");
  for (const [place, bytes] of places) {
    for (const [name, secret] of secrets) {
      const form = findSecret(bytes, secret);
      // An answer of the stand-in's own that the proxy hands on is the API's, and holds none either.
      assert.equal(form, undefined, `${name} stands in ${place}, ${form}`);
    }
  }

  // The person's data is for the app alone, too.
  const people = ["ada.canary@example.com", "ada.canary", "Canary", "canary-user-4711", sub];
  for (const [place, bytes] of places.filter(([where]) => where !== "an answer")) {
    for (const person of people) assert.equal(findSecret(bytes, person), undefined, `${person} in ${place}`);
  }
});

test("a secret is found in every encoding, wherever it begins", () => {
  const secret = "ya29.a0/secret+value";
  const forms: (readonly [string, string | Buffer])[] = [
    ["as it is", `x${secret}y`],
    ["as UTF-16", Buffer.from(`x${secret}`, "utf16le")],
    ["in hex", Buffer.from(`x${secret}`).toString("hex")],
    ["in HEX", Buffer.from(secret).toString("hex").toUpperCase()],
    ["percent-encoded", `q=${encodeURIComponent(secret)}`],
    ["as a JSON string", '{"a":"ya29.a0\\/secret+value"}'],
    ["backwards", secret.split("").toReversed().join("")],
    ...["", "a", "ab", "abc", "abcd"].flatMap((before) =>
      (["base64", "base64url"] as const).map(
        (encoding) => [`${encoding} ${before}`, Buffer.from(`${before}${secret}after`).toString(encoding)] as const,
      ),
    ),
  ];
  for (const [name, form] of forms) {
    assert.notEqual(findSecret(Buffer.from(form), secret), undefined, name);
  }
  assert.equal(findSecret(Buffer.from("nothing of the kind"), secret), undefined);
});
