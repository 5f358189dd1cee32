/** A body that is ready to be sent: its bytes, or where they come from one after another. */
export interface OutboundBody {
  /** The Content-Type that the body brings along, where the caller gives none. */
  readonly type?: string;
  /** Bytes; undefined where nobody knows before the end. */
  readonly length?: number;
  readonly bytes?: Uint8Array;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Reads a body as `fetch` does.
 *
 * @see https://fetch.spec.whatwg.org/#concept-bodyinit-extract
 */
export async function bodyOf(body: RequestInit["body"]): Promise<OutboundBody | undefined> {
  if (body === undefined || body === null) return undefined;
  if (body instanceof Blob) {
    return { ...typed(body.type), length: body.size, chunks: body.stream() };
  }
  if (typeof body === "object" && Symbol.asyncIterator in body) return { chunks: body };
  // The standard knows how the rest becomes bytes, and under which type.
  const extracted = new Response(body);
  const bytes = new Uint8Array(await extracted.arrayBuffer());
  return { ...typed(extracted.headers.get("content-type") ?? ""), length: bytes.length, bytes, chunks: once(bytes) };
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

function typed(type: string): { readonly type?: string } {
  return type === "" ? {} : { type };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
