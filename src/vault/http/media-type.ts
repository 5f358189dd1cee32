import { invalidRequest } from "../../core/errors.ts";

/** How the bytes of a body are to be read: what they hold, and in which encoding the sender says they are. */
export interface BodyFormat {
  readonly kind: "form" | "json";
  /** The encoding's name as the web's standard has it. Anything else than `utf-8` is read only as far as it is ASCII. */
  readonly encoding: string;
}

/** Encodings in which a byte below 128 is not always the ASCII character of that number. */
const notAscii = new Set(["utf-16le", "utf-16be", "iso-2022-jp", "replacement"]);

/**
 * Reads what the headers say of a body. A charset is no reason to refuse a body: parameters are ASCII as a rule, and
 * then nearly every charset means the same. Whether this body is, {@link textOf} sees.
 *
 * @throws {OnbehalfError} `invalid_request`: neither a form nor JSON, compressed, or in a charset in which even ASCII
 *   would mean something else
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-8.3
 * @see https://www.rfc-editor.org/rfc/rfc8259#section-11
 */
export function formatOf(headers: Headers): BodyFormat {
  const { type, charsets } = mediaTypeOf(withoutRepetition(headers.get("content-type") ?? ""));
  if (!/^(?:identity)?$/i.test(headers.get("content-encoding")?.trim() ?? "")) {
    throw invalidRequest("the body must not be compressed", "send it without Content-Encoding");
  }
  return { kind: kindOf(type), encoding: encodingOf(charsets) };
}

/**
 * The text of a body.
 *
 * @throws {OnbehalfError} `invalid_request`: a byte above 127 means one character in the charset that was named and
 *   another in UTF-8; or the body is not UTF-8
 */
export function textOf(bytes: Uint8Array, encoding = "utf-8"): string {
  // A byte order mark is the body's own word that it is UTF-8, and no character of it.
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  if (encoding !== "utf-8" && bytes.subarray(marked ? 3 : 0).some((byte) => byte > 0x7f)) {
    throw invalidRequest(
      `the body has a byte above 127, which is one character in ${encoding} and another in UTF-8`,
      "send the body in UTF-8, with charset=utf-8 or without a charset",
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidRequest("the body must be UTF-8", "send it in UTF-8");
  }
}

function kindOf(type: string): BodyFormat["kind"] {
  if (type === "application/x-www-form-urlencoded") return "form";
  if (/^(?:application|text)\/json$|^[\w.-]+\/[\w.+-]+\+json$/.test(type)) return "json";
  throw invalidRequest(
    type === "" ? "Content-Type is missing" : "Content-Type must be that of a form or of JSON",
    "send application/x-www-form-urlencoded or application/json",
  );
}

/** The encoding that the charset parameters name: UTF-8 where there is none. */
function encodingOf(charsets: readonly string[]): string {
  const named = [...new Set(charsets.filter((each) => each !== "").map(encodingNamed))];
  if (named.length > 1) {
    throw invalidRequest(`Content-Type names two charsets: ${named.join(" and ")}`, "name one charset, or none");
  }
  return named[0] ?? "utf-8";
}

/** @see https://encoding.spec.whatwg.org/#names-and-labels */
function encodingNamed(label: string): string {
  const shown = /^[\w.:+-]{1,40}$/.test(label) ? label : "unreadable";
  const encoding = standardName(label);
  if (encoding === undefined || notAscii.has(encoding)) {
    throw invalidRequest(`the charset must be UTF-8, and is ${shown}`, "send the body in UTF-8");
  }
  return encoding;
}

/** What the web's standard calls an encoding; undefined where it knows none by this label. */
function standardName(label: string): string | undefined {
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return undefined;
  }
}

/** One Content-Type where the same came twice, as it does from two layers of a client that both set it. */
function withoutRepetition(header: string): string {
  const [first = "", ...others] = header.split(/,\s*(?=[\w.+-]+\/)/);
  return others.every((each) => each.trim().toLowerCase() === first.trim().toLowerCase()) ? first : header;
}

/** Splits a Content-Type. Senders differ in case, spaces, quotes and a semicolon at the end; all mean the same. */
function mediaTypeOf(header: string): { readonly type: string; readonly charsets: readonly string[] } {
  const [type = ""] = header.split(";");
  const charsets: string[] = [];
  const parameters = header.slice(type.length).matchAll(/;\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g);
  for (const [, name = "", quoted, bare = ""] of parameters) {
    if (name.toLowerCase() !== "charset") continue;
    // Some senders put the name in single quotes, which the standard does not know as quotes.
    const value = (quoted?.replace(/\\(.)/g, "$1") ?? bare).trim().replace(/^'(.*)'$/, "$1");
    charsets.push(value.toLowerCase());
  }
  return { type: type.trim().toLowerCase(), charsets };
}
