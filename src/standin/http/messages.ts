import { defined } from "../defined.ts";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

/** A request that was read to its end. Handlers see this and no socket, so that each call is one step of the state. */
export interface Incoming {
  readonly method: string;
  readonly path: string;
  /** Path parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What the request log says about a reply besides its status. */
export interface Note {
  readonly outcome: string;
  /** E-mail address of the account whose authorization it was. */
  readonly grant?: string | undefined;
  readonly clientId?: string | undefined;
  /** Number of the refresh token family. */
  readonly family?: number | undefined;
  /** Generation of the refresh token that was presented. */
  readonly generation?: number | undefined;
  /** Fingerprint of a refresh token that this reply hands out. */
  readonly issued?: string | undefined;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly note?: Note;
}

/** Answers at once: what one request does is finished before the next one begins. */
export type Handler = (request: Incoming) => Reply;

export const noStore = { "cache-control": "no-cache, no-store, max-age=0, must-revalidate", pragma: "no-cache" };

export function json(status: number, value: unknown, note?: Note, headers?: Record<string, string>): Reply {
  return defined({
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    body: JSON.stringify(value, null, 2),
    note,
  });
}

export function mediaType(headers: IncomingHttpHeaders): string {
  return (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/** The token of an `Authorization: Bearer` header (RFC 6750 section 2.1). */
export function bearerOf(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer +([\w.~+/=-]+)$/i.exec(headers.authorization ?? "")?.[1];
}

export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge";
}

/**
 * Reads a body.
 *
 * @throws {BodyTooLarge} as soon as more than `limit` bytes are announced or have come
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > limit) throw new BodyTooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
