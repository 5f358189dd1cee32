import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { apiTarget } from "../../src/core/api-request.ts";
import type { ApiPlaces } from "../../src/core/api-request.ts";
import { isOnbehalfError, mcpServer } from "../../src/index.ts";

const redirectUri = "https://app.example/callback";
const record = (server: string, more = {}): ApiPlaces =>
  mcpServer({ name: "tools", server, clientName: "Notes", redirectUri, ...more });

describe("where a token may be sent", () => {
  const rows: readonly (readonly [string, ApiPlaces, string, string | undefined])[] = [
    ["a host without its port", { apiHosts: ["a.example"] }, "https://a.example/x", "https://a.example/x"],
    ["the port that https has", { apiHosts: ["a.example"] }, "https://a.example:443/x", "https://a.example/x"],
    ["another port of a host", { apiHosts: ["a.example"] }, "https://a.example:8443/x", undefined],
    ["a port that is listed", { apiHosts: ["a.example:8443"] }, "https://a.example:8443/x", "https://a.example:8443/x"],
    ["the usual port where another is listed", { apiHosts: ["a.example:8443"] }, "https://a.example/x", undefined],
    ["a port below a wildcard", { apiHosts: ["*.a.example"] }, "https://b.a.example:8443/x", undefined],
    ["http at a port that is listed", { apiHosts: ["a.example:8080"] }, "http://a.example:8080/x", undefined],
    ["an MCP server", record("https://mcp.example/mcp"), "https://mcp.example/mcp", "https://mcp.example/mcp"],
    [
      "an MCP server at a port",
      record("https://mcp.example:8443/mcp"),
      "https://mcp.example:8443/mcp",
      "https://mcp.example:8443/mcp",
    ],
    [
      "what is beside an MCP server at a port",
      record("https://mcp.example:8443/mcp"),
      "https://mcp.example/mcp",
      undefined,
    ],
    [
      "an MCP server on this machine",
      record("http://127.0.0.1:4600/mcp"),
      "https://127.0.0.1/mcp",
      "http://127.0.0.1:4600/mcp",
    ],
    [
      "the same with its port",
      record("http://127.0.0.1:4600/mcp"),
      "https://127.0.0.1:4600/mcp?a=1",
      "http://127.0.0.1:4600/mcp?a=1",
    ],
    ["another port of this machine", record("http://127.0.0.1:4600/mcp"), "https://127.0.0.1:4601/mcp", undefined],
    ["a name before the host", record("http://127.0.0.1:4600/mcp"), "https://a@127.0.0.1:4600/mcp", undefined],
  ];
  for (const [name, places, url, expected] of rows) {
    test(`a token may ${expected === undefined ? "not " : ""}be sent to ${name}: ${url}`, () => {
      if (expected === undefined) {
        assert.throws(
          () => apiTarget(new URL(url), places),
          (error) => isOnbehalfError(error, "host_not_allowed"),
        );
      } else assert.equal(apiTarget(new URL(url), places).href, expected);
    });
  }

  test("the headers of MCP are passed on beside those that a record names itself", () => {
    const { forwardHeaders } = mcpServer({
      name: "tools",
      server: "https://mcp.example/mcp",
      clientName: "Notes",
      redirectUri,
      forwardHeaders: ["x-tenant"],
    });
    assert.deepEqual(forwardHeaders, ["mcp-*", "last-event-id", "x-tenant"]);
  });
});
