import { constants, brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";

/** A body of which the beginning was read. */
export interface PeekedBody {
  /** The first bytes: all of the body, where it is no longer than was wanted. */
  readonly start: Uint8Array;
  /** The whole body, its beginning included; null where it has no bytes. */
  readonly body: ReadableStream<Uint8Array> | null;
  /** Whether the time was over before there were so many bytes, or the end. */
  readonly isLate: boolean;
}

/**
 * Looks at the beginning of a body. The rest is read only as fast as whoever gets it reads, and never kept. A body that
 * breaks off while we look does so for its reader, after the bytes that came before.
 *
 * @param wanted how many bytes to wait for, unless the body ends before
 * @param waitMs how long to wait for them, milliseconds: a body may come slowly, or never end
 */
export async function peek(
  source: ReadableStream<Uint8Array> | null,
  wanted: number,
  waitMs: number = Infinity,
): Promise<PeekedBody> {
  if (source === null) return { start: new Uint8Array(), body: null, isLate: false };
  const reader = source.getReader();
  const read: Uint8Array[] = [];
  let length = 0;
  let ended = false;
  /** A read that was begun, and whose bytes are not in `read`. Whoever reads on must wait for this one. */
  let begun: ReturnType<typeof reader.read> | undefined;
  let isLate = false;
  const late = Promise.withResolvers<undefined>();
  const end = (): void => {
    isLate = true;
    late.resolve(undefined);
  };
  const timer = waitMs === Infinity ? undefined : setTimeout(end, waitMs);
  while (!ended && length < wanted) {
    begun = reader.read();
    const result = await Promise.race([begun, late.promise]).catch(() => undefined);
    if (result === undefined) break;
    begun = undefined;
    ended = result.done;
    if (result.value === undefined || result.value.byteLength === 0) continue;
    read.push(result.value);
    length += result.value.byteLength;
  }
  clearTimeout(timer);
  const start = Buffer.concat(read);
  if (length === 0 && ended) return { start, body: null, isLate };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const first = read.shift();
        if (first !== undefined) {
          controller.enqueue(first);
          return;
        }
        const next = ended ? { done: true, value: undefined } : await (begun ?? reader.read());
        begun = undefined;
        if (next.done || next.value === undefined) controller.close();
        else controller.enqueue(next.value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return { start, body, isLate };
}

/** A few bytes can stand for a gigabyte. More than this is not needed to understand a refusal. */
const decodedLimitBytes = 256 * 1024;

/** The text that begins with these bytes; empty where they cannot be read. The end of it may be missing. */
export function textFrom(start: Uint8Array, coding: string): string {
  const finishFlush = constants.Z_SYNC_FLUSH;
  const maxOutputLength = decodedLimitBytes;
  try {
    switch (coding.trim().toLowerCase()) {
      case "":
      case "identity":
        return new TextDecoder().decode(start);
      case "gzip":
      case "x-gzip":
        return gunzipSync(start, { finishFlush, maxOutputLength }).toString();
      case "deflate":
        return inflateSync(start, { finishFlush, maxOutputLength }).toString();
      case "br":
        return brotliDecompressSync(start, {
          finishFlush: constants.BROTLI_OPERATION_FLUSH,
          maxOutputLength,
        }).toString();
      default:
        return "";
    }
  } catch {
    return "";
  }
}
