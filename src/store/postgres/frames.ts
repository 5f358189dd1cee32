/*
 * The messages of PostgreSQL's protocol, as far as one must look at them before the driver does: an error that lacks its
 * end sends the driver into a loop that no timer can interrupt, and a length of gigabytes lets it wait for ever.
 */

const headerBytes = 5;
/** More than any message of ours or for us. */
const longestMessage = 1 << 28;
/** The types of the server's messages. */
const types = new Set(Buffer.from("123ACDEGHIKNRSTVWZcdnstv"));
const [errorType, noticeType] = Buffer.from("EN");

/** Puts the bytes of one connection together to whole messages. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0);

  /**
   * @param chunk bytes as they came
   * @returns as many whole messages as there are now; may be empty
   * @throws {Error} this is not PostgreSQL's protocol
   * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
   */
  whole(chunk: Buffer): Buffer {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let end = 0;
    while (end + headerBytes <= bytes.length) {
      const length = bytes.readUInt32BE(end + 1);
      const type = bytes[end] ?? 0;
      if (!types.has(type) || length < 4 || length > longestMessage) throw notTheProtocol();
      const next = end + 1 + length;
      if (next > bytes.length) break;
      if ((type === errorType || type === noticeType) && !isWhole(bytes.subarray(end + headerBytes, next))) {
        throw notTheProtocol();
      }
      end = next;
    }
    this.#rest = bytes.subarray(end);
    return bytes.subarray(0, end);
  }
}

/** Whether the fields of an error or notice end where they should: each by a NUL, and all of them by one more. */
function isWhole(fields: Buffer): boolean {
  let at = 0;
  while (at < fields.length && fields[at] !== 0) {
    const end = fields.indexOf(0, at + 1);
    if (end < 0) return false;
    at = end + 1;
  }
  return at === fields.length - 1;
}

function notTheProtocol(): Error {
  return new Error("what came back is not PostgreSQL's protocol");
}
