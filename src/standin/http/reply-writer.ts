import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as wait } from "node:timers/promises";
import type { Fault } from "./faults.ts";
import type { Reply } from "./messages.ts";

/** How a reply is sent. */
interface Manner {
  readonly fault: Fault | undefined;
  /** A HEAD request: headers only. */
  readonly head: boolean;
  /** The request was not read to its end, so that the connection cannot be used again. */
  readonly tooLarge: boolean;
  readonly ending: AbortSignal;
}

/** Sends a reply, as the fault in force wants it: cut, in small pieces, or huge. */
export async function writeReply(response: ServerResponse, reply: Reply, manner: Manner): Promise<void> {
  const { fault, head, tooLarge } = manner;
  if (fault?.drop === true) {
    response.destroy();
    return;
  }
  const body = typeof reply.body === "string" ? Buffer.from(reply.body) : (reply.body ?? Buffer.alloc(0));
  const length = fault?.hugeBytes ?? body.length;
  const bodyless = reply.status === 204 || reply.status === 304;
  response.writeHead(reply.status, {
    ...(bodyless ? {} : { "content-length": String(length) }),
    ...(tooLarge ? { connection: "close" } : {}),
    ...reply.headers,
  });
  if (head || bodyless) response.end();
  else if (fault?.drop === "midway") {
    response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
  } else if (fault?.hugeBytes !== undefined) await pour(response, fault.hugeBytes);
  else if (fault?.dripMs !== undefined) await drip(response, body, fault.dripMs, manner.ending);
  else response.end(body);
}

async function pour(response: ServerResponse, bytes: number): Promise<void> {
  const piece = Buffer.alloc(65_536, " ");
  function* pieces(): Generator<Buffer> {
    for (let left = bytes; left > 0; left -= piece.length) yield piece.subarray(0, left);
  }
  await pipeline(Readable.from(pieces()), response);
}

async function drip(response: ServerResponse, body: Buffer, everyMs: number, ending: AbortSignal): Promise<void> {
  const pieces = Math.min(body.length, 64);
  const size = Math.max(1, Math.ceil(body.length / Math.max(1, pieces)));
  for (let from = 0; from < body.length && !response.destroyed; from += size) {
    response.write(body.subarray(from, from + size));
    await wait(everyMs, undefined, { signal: ending });
  }
  response.end();
}
