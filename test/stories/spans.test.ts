/** Spans of processes that are what they are in production: a service with its keeper, and an app with one. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { startServiceProcess } from "../faults/service-process.ts";
import { expiredGrants } from "../support/expired-grants.ts";
import type { ExpiredGrants } from "../support/expired-grants.ts";
import { findPlanted, SecretPlanter } from "../support/planted-secrets.ts";
import type { SpanLine } from "../support/registered-sdk.ts";
import { usualScope, until } from "../support/test-vault.ts";

const sdk = new URL("../support/registered-sdk.ts", import.meta.url).href;
const traceId = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
const requestId = "5f0c5b0e-8e4e-4f0e-9d0e-1b1d4b4e6a11";

type Span = Exclude<SpanLine, { loadedBy: string }>;

/** The page's tables: of each span its attributes, by its name. */
const page = readFileSync(new URL("../../docs/monitoring.md", import.meta.url), "utf8");
const wordsIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);

/** What the SDK's file has, and in which programs the SDK was loaded. */
function readSpans(file: string): { readonly spans: readonly Span[]; readonly programs: readonly string[] } {
  const lines = existsSync(file)
    ? readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as SpanLine)
    : [];
  return {
    spans: lines.filter((line) => "name" in line),
    programs: lines.flatMap((line) => ("loadedBy" in line ? [line.loadedBy] : [])),
  };
}

function treeOf(spans: readonly Span[]): string[] {
  const under = (parent: string | undefined, depth: number): string[] =>
    spans
      .filter((span) => (parent === undefined ? !spans.some(({ id }) => id === span.parent) : span.parent === parent))
      .flatMap((span) => [`${"  ".repeat(depth)}${span.name}`].concat(under(span.id, depth + 1)));
  return under(undefined, 0);
}

const ofTrace = (file: string, id: string): Span[] => readSpans(file).spans.filter((span) => span.traceId === id);

describe("onbehalf serve with an SDK", { timeout: 120_000 }, () => {
  test("a request, the keeper's call and the provider's are one trace, the caller's; the keeper loads no SDK", async (t) => {
    const fixture = await expiredGrants(t, "strict");
    const file = `${fixture.path}.spans`;
    const service = await startServiceProcess(t, fixture, {
      NODE_OPTIONS: `--import=${sdk}`,
      TEST_SPANS_FILE: file,
      ONBEHALF_LOG_LEVEL: "debug",
    });
    const headers = { authorization: `Bearer ${fixture.callerKey}`, "x-request-id": requestId, traceparent };
    const answer = await fetch(`${service.url}/v1/grants/${fixture.grantId}/token`, { headers });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("x-request-id"), requestId);
    await until(() => ofTrace(file, traceId).length === 4);
    const made = ofTrace(file, traceId);
    assert.deepEqual(treeOf(made), [
      "GET /v1/grants/{ref}/token",
      "  onbehalf.keeper",
      "    onbehalf.refresh",
      "      POST",
    ]);
    assert.ok(
      made.every(({ pid, attributes }) => pid === service.pid && attributes["onbehalf.request.id"] === requestId),
    );
    const server = made.find(({ kind }) => kind === 1);
    assert.equal(server?.parent, "b7ad6b7169203331");
    const client = made.find(({ kind }) => kind === 2);
    assert.equal(client?.attributes["url.full"], `${fixture.standin.url}/token`);
    // What was done in the other process lasted, and no longer than the request for it.
    assert.ok(client.ms > 0 && client.ms < server.ms);
    // The log's line of that call has the same id, and so has the provider's log none of our trace.
    const refreshed = service
      .log()
      .split("\n")
      .find((line) => line.includes('"msg":"refreshed"'));
    assert.ok(refreshed?.includes(requestId), service.log());
    const { programs } = readSpans(file);
    assert.deepEqual(
      programs.filter((program) => !/cli.main/.test(program)),
      [],
    );
  });

  test("a caller that records nothing has nothing recorded", async (t) => {
    const fixture = await expiredGrants(t, "strict");
    const file = `${fixture.path}.spans`;
    const service = await startServiceProcess(t, fixture, { NODE_OPTIONS: `--import=${sdk}`, TEST_SPANS_FILE: file });
    const headers = { authorization: `Bearer ${fixture.callerKey}`, traceparent: traceparent.replace(/01$/, "00") };
    const answer = await fetch(`${service.url}/v1/grants/${fixture.grantId}/token`, { headers });
    assert.equal(answer.status, 200);
    await fetch(`${service.url}/healthz`);
    await until(() => readSpans(file).spans.some(({ name }) => name === "GET /healthz"));
    assert.deepEqual(
      readSpans(file).spans.filter(({ name }) => name !== "GET /healthz"),
      [],
    );
  });

  test("no secret and no name of a person is in a span of any kind, and each attribute is one that the page has for it", async (t) => {
    const planter = new SecretPlanter();
    const fixture = await expiredGrants(t, "strict", { people: [planter.plant("email")] });
    const file = `${fixture.path}.spans`;
    const service = await startServiceProcess(t, fixture, { NODE_OPTIONS: `--import=${sdk}`, TEST_SPANS_FILE: file });
    const key = { authorization: `Bearer ${fixture.callerKey}` };
    const post = (
      path: string,
      body: Record<string, string>,
      headers: Record<string, string> = key,
    ): Promise<Response> => fetch(service.url + path, { method: "POST", headers, body: new URLSearchParams(body) });
    const externalId = planter.plant("opaque");
    const code = fixture.standin.code({ email: planter.plant("email"), scope: usualScope });
    await post("/v1/grants", { code, external_id: externalId });
    await post("/v1/grants", { code: planter.plant("code"), code_verifier: planter.plant("codeVerifier") });
    await post("/v1/grants/deposit", { refresh_token: planter.plant("refreshToken"), external_id: externalId });
    await post("/authcode", { code: planter.plant("code") }, {});
    await post("/oauth/token", { grant_type: "refresh_token", refresh_token: planter.plant("opaque") });
    fixture.standin.fault("POST", "/token", {
      status: 400,
      body: { error: planter.plant("refreshToken"), error_description: planter.plant("email") },
    });
    await fetch(`${service.url}/v1/grants/${fixture.grantId}/token`, { headers: key });
    fixture.standin.clearFaults();
    await fetch(`${service.url}/v1/grants/${fixture.grantId}/token`, { headers: key });
    const ofUser = `/v1/grants/ext:${encodeURIComponent(externalId)}`;
    const proxied = `${ofUser}/proxy/www.googleapis.com/drive/v3/${planter.plant("opaque")}?q=${planter.plant("opaque")}`;
    await fetch(service.url + proxied, { headers: key });
    await fetch(`${service.url}${ofUser}/token`, {
      headers: { authorization: `Bearer ${planter.plant("callerKey")}` },
    });
    await fetch(`${service.url}/connect/${planter.plant("opaque")}`);
    await fetch(`${service.url}${ofUser}`, { method: "DELETE", headers: key });
    await until(() => readSpans(file).spans.some(({ name }) => name === "DELETE /v1/grants/{ref}"));
    assert.equal(findPlanted(readFileSync(file)), undefined);

    const [, table = ""] = /\n\| span [^\n]*\n\|[ |-]+\n([^]*?)\n\n/.exec(page) ?? [];
    const rows = table.split("\n").map((row) => row.split("|"));
    const allowed = new Map(
      rows.map(([, name = "", , , attributes = ""]) => [wordsIn(name)[0] ?? "", new Set(wordsIn(attributes))]),
    );
    const { spans } = readSpans(file);
    for (const { name, kind, attributes } of spans) {
      const row = kind === 1 ? "GET /v1/grants/{ref}/token" : kind === 2 ? "POST" : name;
      assert.ok(allowed.has(row), `${name} has no row`);
      assert.deepEqual(
        Object.keys(attributes).filter((attribute) => allowed.get(row)?.has(attribute) !== true),
        [],
        name,
      );
    }
    // What the page names was made here, but for what needs a held sign-in.
    const made = new Set(spans.map(({ name, kind }) => (kind === 1 ? "GET /v1/grants/{ref}/token" : name)));
    assert.deepEqual(
      [...allowed.keys()].filter((name) => !made.has(name)),
      ["onbehalf.finish_sign_in"],
    );
  });

  test("without an SDK nothing of OpenTelemetry is loaded, and all works", async (t) => {
    const fixture = await expiredGrants(t, "strict");
    const file = `${fixture.path}.loaded`;
    const noting = join(dirname(fixture.path), "noting.mjs");
    await writeFile(
      noting,
      `import { appendFileSync } from "node:fs";
       import { registerHooks } from "node:module";
       registerHooks({ load: (url, context, next) => (appendFileSync(${JSON.stringify(file)}, url + "\\n"), next(url, context)) });`,
    );
    const service = await startServiceProcess(t, fixture, { NODE_OPTIONS: `--import=${noting}` });
    const headers = { authorization: `Bearer ${fixture.callerKey}`, traceparent };
    assert.equal((await fetch(`${service.url}/v1/grants/${fixture.grantId}/token`, { headers })).status, 200);
    const loaded = readFileSync(file, "utf8").split("\n");
    assert.ok(loaded.some((url) => /src.service.telemetry/.test(url)));
    assert.deepEqual(
      loaded.filter((url) => /@opentelemetry/.test(url)),
      [],
    );
  });
});

test(
  "an app whose keeper is a process of its own has the keeper's work in its own trace, by its own SDK",
  { timeout: 60_000 },
  async (t) => {
    const fixture = await expiredGrants(t, "strict");
    const file = `${fixture.path}.spans`;
    const ended = await runApp(t, fixture, file);
    assert.equal(ended.code, 0, ended.stderr);
    const { spans, programs } = readSpans(file);
    assert.deepEqual(treeOf(spans), ["the app", "  onbehalf.keeper", "    onbehalf.refresh", "      POST"]);
    assert.equal(new Set(spans.map((span) => span.traceId)).size, 1);
    assert.equal(programs.length, 1);
  },
);

async function runApp(
  t: TestContext,
  { path, key, grantId, standin }: ExpiredGrants,
  file: string,
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const { url, clientId, clientSecret } = standin;
  const modules = new URL("../../src/", import.meta.url).href;
  const app = join(dirname(path), "app.mjs");
  await writeFile(
    app,
    `import * as telemetry from ${JSON.stringify(import.meta.resolve("@opentelemetry/api"))};
     import { google, keyringFromKeys, openVault } from ${JSON.stringify(`${modules}index.ts`)};
     import { sqlite } from ${JSON.stringify(`${modules}store/sqlite/index.ts`)};
     const [url, clientId, clientSecret, path, key, grantId] = JSON.parse(process.env.TEST_APP);
     const vault = await openVault({
       provider: { ...google({ clientId, clientSecret, baseUrl: url }), rotation: "strict" },
       store: sqlite(path),
       keyring: keyringFromKeys(key),
       keeper: "process",
       telemetry,
     });
     await telemetry.trace.getTracer("app").startActiveSpan("the app", async (span) => {
       await vault.getAccessToken(grantId);
       span.end();
     });
     await vault.close();`,
  );
  const { NODE_TEST_CONTEXT: _runner, ...inherited } = process.env;
  const child = spawn(process.execPath, [app], {
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      ...inherited,
      NODE_OPTIONS: `--import=${sdk}`,
      TEST_SPANS_FILE: file,
      TEST_APP: JSON.stringify([url, clientId, clientSecret, path, key.expose(), grantId]),
    },
  });
  t.after(() => child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, "exit")) as [number | null];
  return { code, stderr };
}
