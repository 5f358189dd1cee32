import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { generateMasterKey, google, keyringFromKeys, mcpServer, openVault } from "../../../src/index.ts";
import { service } from "../../../src/service/http/app.ts";
import { openApiDocument } from "../../../src/service/openapi/document.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { checkout } from "../../support/checkout-bin.ts";
import { oauth, placed, routes } from "../http/route-table.ts";
import { permissions } from "../../../src/vault/http/callers.ts";

interface Described {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: { readonly minLength?: number; readonly maxLength?: number; readonly pattern?: string };
  }[];
}

const { paths } = openApiDocument("http://vault.test") as { paths: Record<string, Record<string, Described>> };
const methodsOf = (path: string): string[] =>
  Object.keys(paths[path] ?? {})
    .filter((name) => name !== "parameters")
    .map((name) => name.toUpperCase());

/** An address of a path, with something in its places that a grant could be named by. */
const addressOf = (path: string): string =>
  `http://vault.test${placed(path.replace("{ref}", "g_none").replace("{host}/{path}", "www.googleapis.com/x"))}`;

describe("what the OpenAPI document says is what is served", () => {
  test("the OpenAPI document: every operation is served, and no other at its address", async () => {
    await using vault = await openVault({
      providers: [
        { ...google({}), client: "none" },
        mcpServer({
          name: "tools",
          server: "https://mcp.example/mcp",
          clientName: "Notes",
          redirectUri: "https://vault.test/connect/callback",
          clientDocumentUrl: "https://vault.test/oauth/client/tools.json",
        }),
      ],
      store: sqlite(":memory:"),
      keyring: keyringFromKeys(generateMasterKey()),
    });
    const { key } = await vault.callers.create("reader", { allow: permissions });
    const handle = service(vault);
    const headers = { authorization: `Bearer ${key.expose()}` };
    for (const path of Object.keys(paths)) {
      for (const method of methodsOf(path)) {
        const { status, headers: answer } = await handle(new Request(addressOf(path), { method, headers }));
        assert.notEqual(status, 405, `${method} ${path}`);
        // A missing grant is also a 404, but not a missing route.
        const missing = status === 404 && /\{(?:ref|connect_id|session_id)\}/.test(path);
        assert.ok(status !== 404 || missing, `${method} ${path}`);
        assert.notEqual(answer.get("content-type"), null);
      }
      if (path.includes("/proxy/")) continue;
      const refused = await handle(new Request(addressOf(path), { method: "PATCH", headers }));
      assert.equal(refused.status, 405, path);
      const allowed = (refused.headers.get("allow") ?? "").split(", ").filter((method) => method !== "HEAD");
      assert.deepEqual(allowed.sort(), methodsOf(path).sort(), path);
    }
  });

  test("the OpenAPI document: no address is served that it does not have", () => {
    const files = ["src/service/http/app.ts", ...globSync("src/service/http/routes/*.ts", { cwd: checkout })];
    const sources = files.map((file) => readFileSync(`${checkout}${file}`, "utf8")).join("\n");
    const served = [...sources.matchAll(/\b(?:forCallers|forAnyone|app\.all)\(\s*"([^"]+)"/g)].map(([, path = ""]) =>
      path.replaceAll(/:(\w+)(?:\{[^}]+\})?/g, "{$1}").replace("/*", "/{host}/{path}"),
    );
    assert.ok(served.length >= 10);
    assert.deepEqual(served.sort(), Object.keys(paths).sort());
  });

  test("the OpenAPI document: it has each header of a request that the service reads by name", () => {
    const http = new Set([
      "authorization",
      "content-encoding",
      "content-length",
      "content-type",
      "origin",
      "sec-fetch-site",
    ]);
    const read = globSync("src/{service,vault}/http/**/*.ts", { cwd: checkout }).flatMap((path) => {
      const source = readFileSync(`${checkout}${path}`, "utf8");
      return [...source.matchAll(/\brequest\.headers\.get\("([^"]+)"\)/g)].map(([, name = ""]) => name);
    });
    assert.ok(read.length >= 8);
    const described = Object.values(paths).flatMap((operations) =>
      Object.values(operations).flatMap(({ parameters = [] }) =>
        parameters.filter((parameter) => parameter.in === "header").map(({ name }) => name.toLowerCase()),
      ),
    );
    assert.deepEqual([...new Set(described)].sort(), [...new Set(read)].filter((name) => !http.has(name)).sort());
  });

  test("the OpenAPI document: /authcode keeps to what it says of its headers", async () => {
    await using vault = await openVault({
      provider: google({ clientId: "1-a.apps.googleusercontent.com", clientSecret: "none" }),
      store: sqlite(":memory:"),
      keyring: keyringFromKeys(generateMasterKey()),
    });
    const handle = service(vault);
    // So many scopes are refused after the key: nothing is sent.
    const body = new URLSearchParams({ authCode: "4/x", scope: "a ".repeat(300) });
    const errorWith = async (headers: Readonly<Record<string, string>>): Promise<unknown> => {
      const answer = await handle(new Request("http://vault.test/authcode", { method: "POST", headers, body }));
      const problem = (await answer.json()) as Readonly<Record<string, unknown>>;
      return problem["parameter"] ?? problem["error"];
    };
    const described = paths["/authcode"]?.["post"]?.parameters ?? [];
    assert.deepEqual(
      described.map(({ name, required = false }) => [name, required]),
      [
        ["X-Requested-With", true],
        ["Idempotency-Key", false],
      ],
    );
    assert.equal(await errorWith({}), "csrf_rejected");
    const schema = described[1]?.schema ?? {};
    const pattern = new RegExp(schema.pattern ?? "");
    for (const key of ["k".repeat(15), "k".repeat(16), "k".repeat(255), "k".repeat(256), `${"k".repeat(16)} k`]) {
      const fits = key.length >= (schema.minLength ?? 0) && key.length <= (schema.maxLength ?? 0) && pattern.test(key);
      const error = await errorWith({ "x-requested-with": "test", "idempotency-key": key });
      assert.equal(error, fits ? "scope" : "Idempotency-Key", key);
    }
  });

  test("the OpenAPI document: each of its routes is in the table from which callers' reach, bad and odd input are tried", () => {
    for (const [path, operations] of Object.entries(paths)) {
      const methods = methodsOf(path).filter((method) => method === "GET" || method === "POST" || method === "DELETE");
      // The methods of the proxy differ in nothing that the table is for.
      for (const method of path.includes("/proxy/") ? ["GET", "POST"] : methods) {
        if (oauth.includes(`${method} ${path}`)) continue;
        const inTable = path.replace("{host}/{path}", "{target}");
        assert.ok(
          routes.some((route) => route.method === method && route.path === inTable),
          `${method} ${path} (${Object.keys(operations).join()}) is not in test/service/http/route-table.ts`,
        );
      }
    }
  });

  test("the OpenAPI document: bad input is sent to each of its routes", () => {
    for (const { method, path } of routes) {
      assert.ok(methodsOf(path.replace("{target}", "{host}/{path}")).includes(method), `${method} ${path}`);
    }
  });
});
