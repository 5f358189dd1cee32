import { OnbehalfError, isOnbehalfError } from "../../core/errors.ts";

/** The largest body of a request with parameters. */
export const bodyLimitBytes: number = 64 * 1024;

/** The parameters of a request, by name. */
export type Parameters = ReadonlyMap<string, string>;

/**
 * Which kind of body the headers announce.
 *
 * @throws {OnbehalfError} `invalid_request`: neither a form nor JSON, not in UTF-8, or compressed
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
    throw invalid(`the charset must be UTF-8, and is ${charset}`, "send the body in UTF-8");
  }
  if ((headers.get("content-encoding") ?? "identity") !== "identity") {
    throw invalid("the body must not be compressed", "send it without Content-Encoding");
  }
  if (type === "application/x-www-form-urlencoded") return "form";
  if (type === "application/json") return "json";
  throw invalid(
    type === "" ? "Content-Type is missing" : "Content-Type must be that of a form or of JSON",
    "send application/x-www-form-urlencoded or application/json",
  );
}

/**
 * Reads the parameters in a body: a form, or a JSON object of strings.
 *
 * @throws {OnbehalfError} `request_too_large`
 * @throws {OnbehalfError} `invalid_request`: the body is malformed, or has a parameter twice
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.1
 */
export async function readParameters(request: Request): Promise<Parameters> {
  const kind = assertReadable(request.headers);
  const text = await readBody(request);
  return kind === "form" ? formOf(text) : jsonOf(text);
}

/**
 * Reads the text of a body.
 *
 * @param limit the largest body, bytes
 * @throws {OnbehalfError} `request_too_large`
 * @throws {OnbehalfError} `invalid_request`: the body is not UTF-8, or the connection ended too early
 */
export async function readBody(
  request: Pick<Request, "headers" | "body">,
  limit: number = bodyLimitBytes,
): Promise<string> {
  const bytes = await readBytes(request, limit);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid("the body must be UTF-8", "send it in UTF-8");
  }
}

/**
 * Reads the bytes of a body.
 *
 * @param limit the largest body, bytes
 * @throws {OnbehalfError} `request_too_large`
 * @throws {OnbehalfError} `invalid_request`: the connection ended too early
 */
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

/** The connection ended before the client's whole body had arrived. That is neither the client's fault nor ours. */
export function bodyBrokeOff(): OnbehalfError<"invalid_request"> {
  return invalid("the connection ended before the whole body had arrived", "send the request again");
}

/**
 * Reads the parameters of a query or a form.
 *
 * @throws {OnbehalfError} `invalid_request`: a parameter is there twice
 */
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
    throw invalid("the body must be valid JSON", "send one JSON object, or a form");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("the body must be a JSON object", "send one JSON object with string members");
  }
  const parameters = new Map<string, string>();
  for (const [name, member] of Object.entries(value)) {
    if (member === null || member === undefined) continue;
    if (typeof member !== "string") throw invalid(`${printable(name)} must be a string`, "send strings only", name);
    parameters.set(name, member);
  }
  const repeated = repeatedMember(text);
  if (repeated !== undefined) throw duplicate(repeated);
  return parameters;
}

/**
 * A name that an object has twice; undefined where there is none. `JSON.parse` keeps the last value, but another
 * program on the way may have checked the first.
 *
 * @param json an object whose members are strings
 * @see https://www.rfc-editor.org/rfc/rfc8259#section-4
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
  return invalid(`${printable(name)} was sent more than once`, "send each parameter once", name);
}

/** A parameter's name, where it is short and plain enough for a message. The client chose it. */
function printable(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) ? name : "a parameter";
}

function invalid(message: string, hint: string, parameter?: string): OnbehalfError<"invalid_request"> {
  const details = parameter === undefined || printable(parameter) !== parameter ? {} : { parameter };
  return new OnbehalfError("invalid_request", message, { hint, details });
}

function tooLarge(limitBytes: number): OnbehalfError<"request_too_large"> {
  return new OnbehalfError("request_too_large", `the body must be at most ${limitBytes} bytes`, {
    hint: "send a smaller body, with only what the documentation names",
    details: { limitBytes },
  });
}
