/** Lines of a stream of bytes, of which there may be any number: no more than one of them is kept in memory. */

/** A line with its number, from 1 on. `text` is absent where it cannot be read; `problem` says why. */
export interface Line {
  readonly number: number;
  readonly text?: string;
  readonly problem?: string;
  /** How many bytes of the stream have been read by then. */
  readonly bytesRead: number;
}

/** A line of a deposit has about a thousand characters; a token may have 16,384. */
const longestLine = 131_072;

const newline = 0x0a;

/**
 * Splits a stream into lines that end with LF or CRLF, and leaves out those that are blank. A byte order mark before the
 * first is left out as well.
 */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let number = 1;
  let bytesRead = 0;
  let parts: Uint8Array[] = [];
  let length = 0;

  const take = (part: Uint8Array): void => {
    length += part.length;
    // Of a line that is too long, nothing is needed any more.
    if (length > longestLine) parts = [];
    else if (part.length > 0) parts.push(part.slice());
  };
  const end = (): Line | undefined => {
    const bytes = Buffer.concat(parts);
    const isTooLong = length > longestLine;
    const line = { number, bytesRead };
    parts = [];
    length = 0;
    number += 1;
    if (isTooLong) return { ...line, problem: `it has more than ${longestLine} bytes` };
    try {
      const text = decoder.decode(bytes).replace(/\r$/, "");
      return text.trim() === "" ? undefined : { ...line, text };
    } catch {
      return { ...line, problem: "it is not UTF-8" };
    }
  };

  for await (const chunk of stream) {
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      take(chunk.subarray(from, at));
      bytesRead += at - from + 1;
      from = at + 1;
      const line = end();
      if (line !== undefined) yield line;
    }
    take(chunk.subarray(from));
    bytesRead += chunk.length - from;
  }
  const last = length === 0 ? undefined : end();
  if (last !== undefined) yield last;
}
