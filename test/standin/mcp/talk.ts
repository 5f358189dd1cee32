import { startStandin } from "../../../src/standin/index.ts";
import type { McpStandin, McpStandinOptions } from "../../../src/standin/index.ts";
import { challengeOf, exchange, verifier } from "../oauth2/talk.ts";
import { stillClock } from "../talk.ts";
import type { Answered } from "../talk.ts";

/** A stand-in of the kind `mcp` whose clock stands still. */
export function mcp(options: Omit<McpStandinOptions, "kind"> = {}): Promise<McpStandin> {
  return startStandin({ clock: stillClock(), ...options, kind: "mcp" });
}

/** What the exchange of a new code of Ada's brings. */
export async function granted(
  standin: McpStandin,
  scope: string,
  resource = standin.server,
): Promise<Answered["body"]> {
  const code = standin.code({ email: "ada@example.com", scope, resource, codeChallenge: challengeOf(verifier) });
  return (await exchange(standin, code, { code_verifier: verifier, resource })).body;
}

/** The headers of a call to the MCP server, in the revision of 2025-11-25. */
export function headersOf(bearer: unknown, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    authorization: `Bearer ${String(bearer)}`,
    accept: "application/json, text/event-stream",
    "content-type": "application/json",
    ...more,
  };
}

/** Calls a method of the MCP server, in the revision of 2025-11-25. */
export function rpc(standin: McpStandin, bearer: unknown, method: string, params: object = {}): Promise<Response> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  return fetch(standin.server, { method: "POST", headers: headersOf(bearer), body });
}
