import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { configurationInvalid } from "../core/errors.ts";

/** A body that was read before, as it can be read again. */
export interface BodyLeft {
  readonly body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Headers that spoke of the bytes that came, and not of these. */
  readonly untrue: readonly string[];
  /** The content type of these bytes, where it differs. */
  readonly contentType?: string;
}

type Read = Pick<IncomingMessage, "headers" | "readableDidRead" | "httpVersionMajor">;

const ofOtherBytes = ["content-length", "content-encoding", "transfer-encoding"] as const;

/**
 * What is left of a request's body.
 *
 * Parsers differ in what they leave where they read nothing: Express 4's an empty object. So the stream decides whether
 * the body was read, and what they left counts only where it was.
 *
 * @param incoming the request; some servers keep a body's bytes as its `rawBody`
 * @param parsed what a parser has made of the body
 * @returns undefined where nobody has read the body, or there is none
 * @throws {OnbehalfError} `configuration_invalid`: it was read, and cannot be put together again
 */
export function bodyLeft(incoming: Read, parsed: unknown): BodyLeft | undefined {
  if (parsed instanceof Readable && (parsed as unknown) !== incoming) {
    return bytes(Readable.toWeb(parsed) as BodyLeft["body"]);
  }
  if (!incoming.readableDidRead || !hasBody(incoming)) return undefined;
  const { rawBody } = incoming as { readonly rawBody?: unknown };
  for (const left of [rawBody, parsed]) {
    if (left instanceof Uint8Array) return bytes(new Uint8Array(left));
    if (left instanceof ArrayBuffer) return bytes(new Uint8Array(left));
    if (typeof left === "string") return text(incoming, left);
  }
  const type = mediaTypeOf(incoming);
  if (isEmpty(parsed) && Number(incoming.headers["content-length"] ?? 0) > emptyBytes) throw nothingLeft(type);
  if (isJson(type) && parsed !== undefined) return text(incoming, jsonOf(parsed, type));
  if (type === formType && typeof parsed === "object" && parsed !== null) {
    return text(incoming, new URLSearchParams(pairsOf(parsed)).toString());
  }
  throw nothingLeft(type);
}

const formType = "application/x-www-form-urlencoded";

/** What an empty form or object has at most. More bytes than these were something. */
const emptyBytes = 4;

function hasBody({ headers, httpVersionMajor }: Read): boolean {
  if (headers["transfer-encoding"] !== undefined) return true;
  if (headers["content-length"] === undefined) return httpVersionMajor > 1;
  return Number(headers["content-length"]) > 0;
}

function mediaTypeOf({ headers }: Read): string {
  const [type = ""] = (headers["content-type"] ?? "").split(";");
  return type.trim().toLowerCase();
}

function isJson(type: string): boolean {
  return /^(?:application|text)\/json$|\+json$/.test(type);
}

function isEmpty(parsed: unknown): boolean {
  return typeof parsed === "object" && parsed !== null && Object.keys(parsed).length === 0;
}

function bytes(body: BodyLeft["body"]): BodyLeft {
  return { body, untrue: ofOtherBytes };
}

/** A text that a parser has decoded, whatever its charset was, is UTF-8 when it is written again. */
function text(incoming: Read, body: string): BodyLeft {
  return { ...bytes(body), contentType: mediaTypeOf(incoming) };
}

function jsonOf(parsed: unknown, type: string): string {
  try {
    return JSON.stringify(parsed) ?? "";
  } catch {
    throw nothingLeft(type);
  }
}

/** Names and values of a form. Nested ones are written with brackets, which is how a parser came to nest them. */
function pairsOf(form: object, prefix?: string): [string, string][] {
  return Object.entries(form).flatMap(([key, value]: [string, unknown]) => {
    const name = prefix === undefined ? key : `${prefix}[${key}]`;
    if (Array.isArray(value)) return value.flatMap((each: unknown) => pairOf(name, each));
    return pairOf(name, value);
  });
}

function pairOf(name: string, value: unknown): [string, string][] {
  if (typeof value === "object" && value !== null) return pairsOf(value, name);
  return [[name, value === undefined || value === null ? "" : `${value as string | number | boolean}`]];
}

function nothingLeft(type: string): Error {
  const shown = /^[\w.+-]{1,64}\/[\w.+-]{1,64}$/.test(type) ? ` of the type ${type}` : "";
  return configurationInvalid(
    `a body parser has read this request's body${shown} before, and has left nothing that it can be made of again`,
    "mount the handler before the body parser, or let a parser for forms or JSON put its result into req.body",
  );
}
