import { json } from "../http/messages.ts";
import type { Note, Reply } from "../http/messages.ts";

/** A request, or a notification where it has no id (JSON-RPC 2.0 section 4). */
export interface RpcMessage {
  readonly id: string | number | undefined;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** An error of JSON-RPC, with the status that it has over HTTP. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: number;
  readonly status: number;
  readonly data: unknown;

  constructor(code: number, message: string, status = 200, data?: unknown) {
    super(message);
    this.code = code;
    this.status = status;
    this.data = data;
  }
}

export const invalidRequest = -32_600;
export const methodNotFound = -32_601;
export const invalidParams = -32_602;

/**
 * Reads one message. Batches went with the revision of 2025-06-18.
 *
 * @throws {RpcError} where the body is none
 */
export function readMessage(body: Buffer): RpcMessage {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    throw new RpcError(-32_700, "The body is not JSON.", 400);
  }
  if (!isObject(value) || value["jsonrpc"] !== "2.0" || typeof value["method"] !== "string") {
    throw new RpcError(invalidRequest, "The body must be one request or notification of JSON-RPC 2.0.", 400);
  }
  const { id, method, params = {} } = value;
  if (id !== undefined && typeof id !== "string" && typeof id !== "number") {
    throw new RpcError(invalidRequest, "id must be a string or a number.", 400);
  }
  if (!isObject(params)) throw new RpcError(invalidParams, "params must be an object.", 400);
  return { id, method, params };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function resultReply(id: string | number, result: object, note: Note): Reply {
  return json(200, { jsonrpc: "2.0", id, result }, note);
}

export function errorReply(id: string | number | undefined, error: RpcError, note: Note): Reply {
  const { code, message, data } = error;
  const body = {
    jsonrpc: "2.0",
    id: id ?? null,
    error: data === undefined ? { code, message } : { code, message, data },
  };
  return json(error.status, body, note);
}
