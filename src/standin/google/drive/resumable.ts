import { randomBytes } from "node:crypto";
import type { Metadata } from "../state/drive-files.ts";

/** An upload that comes in pieces. */
export interface Session {
  readonly id: string;
  /** Whose it is: the pieces need the same authorization as the start. */
  readonly owner: string;
  /** The file whose content is replaced, or undefined for a new one. */
  readonly fileId: string | undefined;
  readonly metadata: Metadata;
  readonly pieces: Buffer[];
  received: number;
}

const mostSessions = 100;

/** Uploads that have begun. Where there are too many, the oldest is forgotten. */
export class Sessions {
  readonly #open = new Map<string, Session>();

  begin(from: Pick<Session, "owner" | "fileId" | "metadata">): Session {
    const session: Session = { ...from, id: randomBytes(24).toString("base64url"), pieces: [], received: 0 };
    this.#open.set(session.id, session);
    const [oldest] = this.#open.keys();
    if (this.#open.size > mostSessions && oldest !== undefined) this.#open.delete(oldest);
    return session;
  }

  find(id: string): Session | undefined {
    return this.#open.get(id);
  }

  end(session: Session): void {
    this.#open.delete(session.id);
  }
}

/** What a piece says about itself: `bytes 0-99/1000`, `bytes 0-99/*`, or no start at all to ask how far it got. */
export interface Range {
  readonly start: number | undefined;
  readonly total: number | undefined;
}

/** Reads `Content-Range`; a request without one carries the whole. RFC 9110 section 14.4. */
export function parseRange(header: string | undefined, length: number): Range | undefined {
  if (header === undefined) return { start: 0, total: length };
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(header);
  if (match === null) return undefined;
  const [, start, end, total] = match;
  if (start !== undefined && Number(end) - Number(start) + 1 !== length) return undefined;
  return { start: start === undefined ? undefined : Number(start), total: total === "*" ? undefined : Number(total) };
}
