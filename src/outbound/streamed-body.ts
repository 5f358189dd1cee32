/** A body whose bytes come one after another. */
export interface StreamedBody {
  /** The Content-Type that the body brings along, where the caller gives none. */
  readonly type?: string;
  /** Bytes; undefined where nobody knows before the end. */
  readonly length?: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Reads a body that `fetch` would stream: a blob, or a stream of bytes.
 *
 * @see https://fetch.spec.whatwg.org/#concept-bodyinit-extract
 */
export function streamedBody(body: Blob | AsyncIterable<Uint8Array>): StreamedBody {
  if (!(body instanceof Blob)) return { chunks: body };
  return { ...(body.type === "" ? {} : { type: body.type }), length: body.size, chunks: body.stream() };
}

/**
 * A body of just the length that was announced. Bytes beyond it would be read as the next request of the connection,
 * with whatever token that one claims to have.
 *
 * @param length undefined where none was announced
 */
export async function* exactly(
  chunks: AsyncIterable<Uint8Array>,
  length: number | undefined,
): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const chunk of chunks) {
    sent += chunk.byteLength;
    if (length !== undefined && sent > length) throw new TypeError("the body is longer than its content-length");
    yield chunk;
  }
  if (length !== undefined && sent < length) throw new TypeError("the body is shorter than its content-length");
}
