import { OnbehalfError, isOnbehalfError } from "../../core/errors.ts";

export const bodyLimitBytes: number = 64 * 1024;

/** Parameters of a request, each at most once. */
export type Parameters = ReadonlyMap<string, string>;

/**
 * Whether a body may be read at all, by its headers alone.
 *
 * @throws {OnbehalfError} `invalid_request`: not a form and not JSON, or encoded in some way
 */
export function assertReadable(headers: Headers): "form" | "json" {
  const [type = "", ...parameters] = (headers.get("content-type") ?? "")
    .split(";")
    .map((part) => part.trim().toLowerCase());
  const charset = parameters
    .find((each) => each.startsWith("charset="))
    ?.slice(8)
    .replaceAll('"', "");
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8") {
    throw invalid(`the charset ${charset} is not supported`, "send UTF-8");
  }
  if ((headers.get("content-encoding") ?? "identity") !== "identity") {
    throw invalid("a compressed body is not supported", "send the body as it is");
  }
  if (type === "application/x-www-form-urlencoded") return "form";
  if (type === "application/json") return "json";
  throw invalid(
    type === "" ? "the request has no content type" : "this content type is not supported",
    "send application/x-www-form-urlencoded or application/json",
  );
}

/**
 * Reads a form or a JSON object of strings.
 *
 * @throws {OnbehalfError} `request_too_large`; `invalid_request`: malformed, or a parameter stands there twice
 * @see RFC 6749 section 3.1: parameters must not be included more than once
 */
export async function readParameters(request: Request): Promise<Parameters> {
  const kind = assertReadable(request.headers);
  const text = await readBody(request);
  return kind === "form" ? formOf(text) : jsonOf(text);
}

/** The body's text. Throws `request_too_large` and `invalid_request`. */
export async function readBody(
  request: Pick<Request, "headers" | "body">,
  limit: number = bodyLimitBytes,
): Promise<string> {
  const bytes = await readBytes(request, limit);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid("the body is not UTF-8", "send UTF-8");
  }
}

/** The body's bytes. Throws `request_too_large` and `invalid_request`. */
export async function readBytes(
  request: Pick<Request, "headers" | "body">,
  limit: number = bodyLimitBytes,
): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw tooLarge(limit);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of request.body ?? []) {
      length += chunk.length;
      if (length > limit) throw tooLarge(limit);
      chunks.push(chunk);
    }
  } catch (error) {
    if (isOnbehalfError(error)) throw error;
    throw bodyBrokeOff();
  }
  return Buffer.concat(chunks);
}

/** The client went away before all of its request was here: nobody's fault but the line's, and nothing was done. */
export function bodyBrokeOff(): OnbehalfError<"invalid_request"> {
  return invalid("the body broke off", "send it again, whole");
}

/** Parameters of a query or a form. Throws `invalid_request` where one stands there twice. */
export function formOf(text: string): Parameters {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (parameters.has(name)) throw duplicate(name);
    parameters.set(name, value);
  }
  return parameters;
}

function jsonOf(text: string): Parameters {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid("the body is not JSON", "send one JSON object, or a form");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("the body is not a JSON object", "send one JSON object with string members");
  }
  const parameters = new Map<string, string>();
  for (const [name, member] of Object.entries(value)) {
    if (member === null || member === undefined) continue;
    if (typeof member !== "string") throw invalid(`${printable(name)} is not a string`, "send strings only", name);
    parameters.set(name, member);
  }
  const repeated = repeatedMember(text);
  if (repeated !== undefined) throw duplicate(repeated);
  return parameters;
}

/**
 * A name that stands twice. `JSON.parse` keeps the last of them, another parser on the way may have judged by the first.
 *
 * @param json an object of strings alone
 * @see RFC 8259 section 4
 */
function repeatedMember(json: string): string | undefined {
  const names = new Set<string>();
  for (const [, literal = "", colon] of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?/g)) {
    if (colon === undefined) continue;
    const name = JSON.parse(literal) as string;
    if (names.has(name)) return name;
    names.add(name);
  }
  return undefined;
}

function duplicate(name: string): OnbehalfError<"invalid_request"> {
  return invalid(`${printable(name)} stands there more than once`, "send each parameter once", name);
}

/** A name that somebody else chose, short and harmless enough for a message. */
function printable(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) ? name : "a parameter";
}

function invalid(message: string, hint: string, parameter?: string): OnbehalfError<"invalid_request"> {
  const details = parameter === undefined || printable(parameter) !== parameter ? {} : { parameter };
  return new OnbehalfError("invalid_request", message, { hint, details });
}

function tooLarge(limitBytes: number): OnbehalfError<"request_too_large"> {
  return new OnbehalfError("request_too_large", `the body is larger than ${limitBytes} bytes`, {
    hint: "send only what the documentation names",
    details: { limitBytes },
  });
}
