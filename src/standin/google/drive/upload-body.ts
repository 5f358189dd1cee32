import { defined } from "../../defined.ts";
import type { Incoming } from "../../http/messages.ts";
import type { Metadata } from "../state/drive-files.ts";

/** What an upload carries. */
export interface Upload {
  readonly metadata: Metadata;
  readonly content: Buffer | undefined;
}

function strings(value: unknown): Record<string, string> | undefined {
  return typeof value === "object" && value !== null && Object.values(value).every((entry) => typeof entry === "string")
    ? (value as Record<string, string>)
    : undefined;
}

/** A file resource as a client sends it, or undefined where it is no JSON object or a member has the wrong type. */
export function parseMetadata(body: Buffer): Metadata | undefined {
  let value: unknown;
  try {
    value = body.length === 0 ? {} : JSON.parse(body.toString());
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const metadata: { -readonly [K in keyof Metadata]: Metadata[K] } = {};
  for (const [name, member] of Object.entries(value)) {
    if (name === "name" || name === "mimeType" || name === "description") {
      if (typeof member !== "string") return undefined;
      metadata[name] = member;
    } else if (name === "parents") {
      if (!Array.isArray(member) || !member.every((entry) => typeof entry === "string")) return undefined;
      metadata.parents = member;
    } else if (name === "appProperties" || name === "properties") {
      const map = strings(member);
      if (map === undefined) return undefined;
      metadata[name] = map;
    }
  }
  return metadata;
}

/** `uploadType=media`: the body is the content. */
export function mediaUpload({ headers, body }: Incoming): Upload {
  return { metadata: defined({ mimeType: headers["content-type"] }), content: body };
}

/** `uploadType=multipart`: a `multipart/related` body of metadata and content. RFC 2387. */
export function multipartUpload({ headers, body }: Incoming): Upload | undefined {
  const type = headers["content-type"] ?? "";
  const boundary = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type);
  if (boundary === null || !/^multipart\/related/i.test(type)) return undefined;
  const parts = partsOf(body, boundary[1] ?? boundary[2] ?? "");
  const [first, second, ...rest] = parts;
  if (first === undefined || second === undefined || rest.length > 0) return undefined;
  const metadata = parseMetadata(first.content);
  if (metadata === undefined) return undefined;
  const encoded = second.headers["content-transfer-encoding"]?.toLowerCase() === "base64";
  const content = encoded ? Buffer.from(second.content.toString("latin1"), "base64") : second.content;
  const mimeType = metadata.mimeType ?? second.headers["content-type"];
  return { metadata: { ...metadata, ...defined({ mimeType }) }, content };
}

interface Part {
  readonly headers: Readonly<Record<string, string>>;
  readonly content: Buffer;
}

/** RFC 2046 section 5.1.1. A line break before a boundary belongs to the boundary. */
function partsOf(body: Buffer, boundary: string): Part[] {
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: Part[] = [];
  let from = body.indexOf(delimiter);
  while (from >= 0) {
    const start = from + delimiter.length;
    const end = body.indexOf(delimiter, start);
    if (end < 0) break;
    const part = partOf(body.subarray(start, end));
    if (part !== undefined) parts.push(part);
    from = end;
  }
  return parts;
}

function partOf(bytes: Buffer): Part | undefined {
  const crlf = bytes.indexOf("\r\n\r\n");
  const lf = bytes.indexOf("\n\n");
  const windows = crlf >= 0 && (lf < 0 || crlf < lf);
  const gap = windows ? crlf : lf;
  if (gap < 0) return undefined;
  const headers: Record<string, string> = {};
  for (const line of bytes.subarray(0, gap).toString("latin1").split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0) headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  const tail = bytes.at(-2) === 0x0d ? 2 : 1;
  return { headers, content: bytes.subarray(gap + (windows ? 4 : 2), Math.max(gap, bytes.length - tail)) };
}
