/**
 * The protected MCP server of the kind `mcp`: streamable HTTP without sessions and streams, each answer one JSON document.
 * It speaks the revision of 2026-07-28, in which each request says all about itself, and the three before it, which begin
 * with `initialize`. Who may call it is decided in protected-resource.ts, what it can do in tools.ts.
 */

import { refuseStrangePage } from "../control/origins.ts";
import { json, mediaType } from "../http/messages.ts";
import type { Incoming, Reply } from "../http/messages.ts";
import type { OAuth2State } from "../oauth2/oauth2-state.ts";
import type { AccessToken } from "../state/ledger.ts";
import { errorReply, invalidParams, isObject, methodNotFound, readMessage, resultReply, RpcError } from "./json-rpc.ts";
import type { RpcMessage } from "./json-rpc.ts";
import { admit, insufficientScope } from "./protected-resource.ts";
import { legacyVersions, revisionOf, supportedVersions } from "./revision.ts";
import type { Revision } from "./revision.ts";
import { toolList, toolNamed, toolResult } from "./tools.ts";

const serverInfo = { name: "onbehalf-standin", title: "The stand-in's MCP server", version: "1.0.0" };
const capabilities = { tools: { listChanged: false } };

/** `POST /mcp`. */
export function mcpEndpoint(state: OAuth2State, request: Incoming): Reply {
  // A web site that somebody visits must not reach a server on their machine by a name of its own (DNS rebinding).
  const strange = refuseStrangePage(request);
  if (strange !== undefined) return strange;
  const admitted = admit(state, request);
  if ("refusal" in admitted) return admitted.refusal;
  const { token } = admitted;
  const unfit = unfitReply(request);
  if (unfit !== undefined) return unfit;
  const note = { outcome: "served", grant: token.authorization.person.email, clientId: token.clientId };
  let message: RpcMessage | undefined;
  try {
    message = readMessage(request.body);
    const { id } = message;
    const revision = revisionOf(request.headers, message);
    if (id === undefined) return { status: 202, note };
    const needed = scopeNeeded(message);
    if (needed !== undefined && !token.scopes.includes(needed)) return insufficientScope(state, token, needed);
    return resultReply(id, finished(resultOf(message, revision, token), revision), note);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return errorReply(message?.id, error, { ...note, outcome: "refused" });
  }
}

/** A request that is none of streamable HTTP. */
function unfitReply({ headers }: Incoming): Reply | undefined {
  const accepted = headers.accept ?? "";
  const refuse = (status: number, message: string): Reply => json(status, { message }, { outcome: "refused" });
  if (!accepted.includes("application/json") || !accepted.includes("text/event-stream")) {
    return refuse(406, "Accept must name application/json and text/event-stream.");
  }
  return mediaType(headers) === "application/json" ? undefined : refuse(415, "Content-Type must be application/json.");
}

function scopeNeeded({ method, params }: RpcMessage): string | undefined {
  return method === "tools/call" ? toolNamed(params["name"])?.scope : undefined;
}

function resultOf({ method, params }: RpcMessage, revision: Revision, token: AccessToken): object {
  switch (method) {
    case "tools/list":
      return { tools: toolList(), ...(revision === "modern" ? { ttlMs: 0, cacheScope: "private" } : {}) };
    case "tools/call":
      return called(params, token);
    case "server/discover":
      return { supportedVersions, capabilities, ttlMs: 0, cacheScope: "private" };
    case "initialize":
      if (revision === "legacy") return { protocolVersion: agreedVersion(params), capabilities, serverInfo };
      break;
    case "ping":
      if (revision === "legacy") return {};
      break;
    default:
  }
  throw new RpcError(methodNotFound, `There is no method ${method}.`, revision === "modern" ? 404 : 200);
}

/** The client's revision where the server speaks it, else the newest: the client then decides whether it goes on. */
function agreedVersion({ protocolVersion }: RpcMessage["params"]): unknown {
  return legacyVersions.find((version) => version === protocolVersion) ?? legacyVersions[0];
}

function called({ name, arguments: input = {} }: RpcMessage["params"], token: AccessToken): object {
  const tool = toolNamed(name);
  if (tool === undefined) throw new RpcError(invalidParams, `There is no tool ${JSON.stringify(name)}.`);
  if (!isObject(input)) throw new RpcError(invalidParams, "arguments must be an object.");
  return toolResult(tool.call(input, token));
}

/** What each result of the revision of 2026-07-28 has besides its own members. */
function finished(result: object, revision: Revision): object {
  if (revision === "legacy") return result;
  return { resultType: "complete", ...result, _meta: { "io.modelcontextprotocol/serverInfo": serverInfo } };
}
