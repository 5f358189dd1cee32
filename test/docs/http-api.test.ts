import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { generateMasterKey, google, keyringFromKeys, openVault } from "../../src/index.ts";
import type { Vault } from "../../src/index.ts";
import { openApiDocument } from "../../src/service/openapi/document.ts";
import { serviceMetrics, startServer } from "../../src/service/index.ts";
import type { RunningServer } from "../../src/service/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { testStandin } from "../support/test-standin.ts";
import type { Standin } from "../../src/standin/index.ts";
import { runBlocks } from "./bash-session.ts";
import { blocksFor } from "./block-runners.ts";
import { permissions } from "../../src/vault/http/callers.ts";

const page = readFileSync(new URL("../../docs/http-api.md", import.meta.url), "utf8");
const blocks = blocksFor("http-api");

describe("docs/http-api.md", () => {
  let folder: string;
  let standin: Standin;
  let vault: Vault;
  let server: RunningServer;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "onbehalf-"));
    standin = await testStandin();
    const metrics = serviceMetrics();
    vault = await openVault({
      provider: google({ clientId: standin.clientId, clientSecret: standin.clientSecret, baseUrl: standin.url }),
      store: sqlite(join(folder, "onbehalf.db")),
      keyring: keyringFromKeys(generateMasterKey()),
      onEvent: metrics.onEvent,
    });
    server = await startServer(vault, { port: 0, metrics });
  });
  after(async () => {
    await server.close();
    await vault.close();
    await standin.close();
    await rm(folder, { recursive: true, force: true });
  });

  test("docs/http-api.md: every example gives what stands below it", async () => {
    const { key } = await vault.callers.create("reader", { allow: permissions });
    const shell = blocks.filter(({ language }) => language === "sh");
    const outputs = await runBlocks(shell, {
      PATH: process.env["PATH"],
      ONBEHALF: server.url,
      STANDIN: standin.url,
      KEY: key.expose(),
    });
    let compared = 0;
    for (const [index, block] of blocks.entries()) {
      const shown = blocks[index + 1];
      if (block.language !== "sh" || shown?.language !== "http") continue;
      const given = httpOf(outputs[shell.indexOf(block)] ?? "");
      const expected = httpOf(shown.text);
      const at = `line ${shown.line}\n${given.body}`;
      assert.equal(given.status, expected.status, at);
      for (const [name, value] of expected.headers) assert.equal(given.headers.get(name), value, at);
      if (expected.body !== "") assert.deepEqual(shapeOf(given.body), shapeOf(expected.body), at);
      compared += 1;
    }
    assert.equal(
      compared,
      blocks.filter(({ language }) => language === "http").length,
      "each answer follows its request",
    );
    assert.ok(compared >= 14);
  });
});

describe("the OpenAPI document", () => {
  const document = openApiDocument("https://vault.example.com") as OpenApi;
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) =>
      method === "parameters" ? [] : [{ path, method, operation: operation as OpenApiOperation }],
    ),
  );

  test("the OpenAPI document has the routes of docs/http-api.md, and no other", () => {
    const named = operations.map(({ path, method }) =>
      path.includes("/proxy/") ? `{any method} ${path}` : `${method.toUpperCase()} ${path}`,
    );
    assert.deepEqual([...new Set(named)].sort(), [...sections.keys()].sort());
  });

  for (const { path, method, operation } of operations) {
    test(`the OpenAPI document: ${method.toUpperCase()} ${path}: the errors that the page names`, () => {
      const section = sections.get(
        path.includes("/proxy/") ? `{any method} ${path}` : `${method.toUpperCase()} ${path}`,
      );
      const line = /^Errors: ([^]*?)$(?:\n\n|(?![^]))/m.exec(section ?? "")?.[1] ?? "";
      const named = [...line.replaceAll(/\([^)]*\)/g, "").matchAll(/`([a-z_]+)`/g)].map(([, code = ""]) => code);
      const isOAuth = /^\/oauth\/(?:token|authorize)$/.test(path);
      const everywhere = isOAuth ? [] : ["method_not_allowed", "request_too_large", "internal_error"];
      const toCallers =
        isOAuth || !operation.tags.includes("callers") ? [] : ["unauthorized", "forbidden", "store_unavailable"];
      const codes = Object.values(operation.responses).flatMap(({ content }) =>
        Object.keys(content?.[isOAuth ? "application/json" : "application/problem+json"]?.examples ?? {}),
      );
      assert.deepEqual([...new Set(codes)].sort(), [...new Set([...named, ...everywhere, ...toCallers])].sort());
    });
  }

  test("the OpenAPI document: every reference leads somewhere, every operation has a name of its own", () => {
    for (const [, name = ""] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      assert.ok(name in document.components.schemas, name);
    }
    const ids = operations.map(({ operation }) => operation.operationId);
    assert.equal(new Set(ids).size, ids.length);
    assert.deepEqual(document.servers, [{ url: "https://vault.example.com" }]);
  });

  test("the OpenAPI document: the examples of the page fit its schemas", () => {
    for (const { path, method, operation } of operations) {
      const example = blocks.find(
        ({ section, language, text }) =>
          section === `${method.toUpperCase()} ${path}` &&
          language === "http" &&
          text.includes(" 200 ") &&
          text.includes("{"),
      );
      const schema = operation.responses["200"]?.content?.["application/json"]?.schema;
      if (example === undefined || schema === undefined) continue;
      const body = JSON.parse(httpOf(example.text).body) as Record<string, unknown>;
      const { properties, required } = document.components.schemas[/\w+$/.exec(schema.$ref ?? "")?.[0] ?? ""] ?? {};
      for (const name of Object.keys(body)) assert.ok(name in (properties ?? {}), `${path}: ${name}`);
      for (const name of required ?? []) assert.ok(name in body, `${path}: ${name}`);
    }
  });
});

interface OpenApi {
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { readonly properties?: object; readonly required?: readonly string[] }>>;
  };
}

interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly security?: readonly object[];
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly content?: Readonly<
          Record<string, { readonly examples?: object; readonly schema?: { readonly $ref?: string } }>
        >;
      }
    >
  >;
}

const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf("\n")), section] as const),
);

/** An HTTP message as `curl -i` prints it. */
function httpOf(text: string): { status: number; headers: ReadonlyMap<string, string>; body: string } {
  const [head = "", ...rest] = text.replaceAll("\r", "").split("\n\n");
  const [statusLine = "", ...fields] = head.split("\n");
  const headers = fields.map((field): [string, string] => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
  });
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]),
    headers: new Map(headers),
    body: rest.join("\n\n").trim(),
  };
}

/** What a body is made of, without its values: members at every depth, and the type of each. */
function shapeOf(body: string): unknown {
  const shape = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.slice(0, 1).map(shape);
    if (typeof value !== "object" || value === null) return typeof value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shape(member)]));
  };
  return shape(JSON.parse(body));
}
