import { randomUUID } from "node:crypto";

/** A UUID, or one without its dashes, as nginx and others make them. */
const wellFormed = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$|^[\da-f]{32}$/i;

const made = new WeakMap<Request, string>();

/**
 * By which the audit log, the log and the answer name a request: the id that came with it, and never another text of
 * somebody's choice. The same request has the same id whoever asks.
 */
export function requestId(request: Request): string {
  let id = made.get(request);
  if (id === undefined) made.set(request, (id = requestIdOf(request.headers.get("x-request-id") ?? undefined)));
  return id;
}

/** {@link requestId}, of the header's value: one is made where none was sent. */
export function requestIdOf(sent?: string): string {
  return sentRequestId(sent) ?? randomUUID();
}

/** The id that came with a request, of the header's value; undefined where there is none, or it is another text. */
export function sentRequestId(sent: string | undefined): string | undefined {
  return sent !== undefined && wellFormed.test(sent) ? sent.toLowerCase() : undefined;
}
