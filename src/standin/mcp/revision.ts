import type { IncomingHttpHeaders } from "node:http";
import { invalidParams, isObject, RpcError } from "./json-rpc.ts";
import type { RpcMessage } from "./json-rpc.ts";

/** Whether requests say their revision themselves (`modern`), or agreed on one with `initialize`. */
export type Revision = "modern" | "legacy";

const modern = "2026-07-28";
/** The newest first. */
export const legacyVersions: readonly string[] = ["2025-11-25", "2025-06-18", "2025-03-26"];
/** All revisions that the server speaks, the newest first. */
export const supportedVersions: readonly string[] = [modern, ...legacyVersions];

const headerMismatch = -32_020;
const unsupportedVersion = -32_022;
const metaKey = "io.modelcontextprotocol/protocolVersion";
const capabilitiesKey = "io.modelcontextprotocol/clientCapabilities";

/** The parameter that the header `Mcp-Name` repeats. */
const namedBy: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
};

/**
 * The revision that a message is written in.
 *
 * @throws {RpcError} where the server does not speak it, or headers and body contradict each other
 */
export function revisionOf(headers: IncomingHttpHeaders, message: RpcMessage): Revision {
  const header = headers["mcp-protocol-version"];
  const meta = isObject(message.params["_meta"]) ? message.params["_meta"] : {};
  const claimed = meta[metaKey];
  if (claimed === undefined && header !== modern) {
    const isKnown = header === undefined || message.method === "initialize" || legacyVersions.includes(String(header));
    if (!isKnown) throw unsupported(header);
    return "legacy";
  }
  if (message.id === undefined) return "modern";
  if (typeof claimed !== "string") throw new RpcError(invalidParams, `_meta must have ${metaKey}.`, 400);
  if (claimed !== header) throw mismatch("MCP-Protocol-Version");
  if (claimed !== modern) throw unsupported(claimed);
  if (!isObject(meta[capabilitiesKey])) throw new RpcError(invalidParams, `_meta must have ${capabilitiesKey}.`, 400);
  if (headers["mcp-method"] !== message.method) throw mismatch("Mcp-Method");
  const parameter = namedBy[message.method];
  if (parameter !== undefined && headers["mcp-name"] !== message.params[parameter]) throw mismatch("Mcp-Name");
  return "modern";
}

function mismatch(name: string): RpcError {
  return new RpcError(headerMismatch, `The header ${name} must be there, and say what the body says.`, 400);
}

function unsupported(requested: unknown): RpcError {
  const data = { supported: supportedVersions, requested };
  return new RpcError(unsupportedVersion, "The server does not speak this revision of the protocol.", 400, data);
}
