import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { OnbehalfError } from "../../index.ts";
import { invalidRequest } from "../../core/errors.ts";
import { safeHeaders } from "./answer-headers.ts";
import { problemOf } from "./problems.ts";

/** The most that request line and headers may have together. */
export const maxHeaderBytes: number = 16 * 1024;

/** What the parser refused, as we answer it. The status is HTTP's own, and not that of our code. */
interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly error: OnbehalfError;
}

const tooLarge: Refusal = {
  status: 431,
  reason: "Request Header Fields Too Large",
  error: new OnbehalfError("request_too_large", "the request line and the headers are larger than 16 KiB", {
    hint: "shorten the address or the headers",
    details: { limitBytes: maxHeaderBytes },
  }),
};

const tooSlow: Refusal = {
  status: 408,
  reason: "Request Timeout",
  error: invalidRequest("the request did not arrive in time", "send it again, without a pause in the middle"),
};

const notHttp: Refusal = {
  status: 400,
  reason: "Bad Request",
  error: invalidRequest(
    "the request is not valid HTTP/1.1",
    "send HTTP/1.1 in the clear: TLS ends at the proxy in front of the service",
  ),
};

const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: tooLarge,
  ERR_HTTP_REQUEST_TIMEOUT: tooSlow,
};

/** Answers a request that the HTTP parser refused: its headers are too large or malformed, or it comes too slowly. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const { status, reason, error: ours } = refusals[error.code ?? ""] ?? notHttp;
  const { headers, body } = problemOf(ours);
  // 431 and 408 are HTTP's own statuses for this; the table of our codes knows only 413 and 400.
  const text = JSON.stringify({ ...body, status });
  const lines = Object.entries({
    ...headers,
    ...safeHeaders,
    "content-length": Buffer.byteLength(text),
    connection: "close",
  });
  socket.end(
    [`HTTP/1.1 ${status} ${reason}`, ...lines.map(([name, value]) => `${name}: ${value}`), "", text].join("\r\n"),
  );
}

/** Ends a request whose body comes too slowly: with an answer, where none has begun. */
export function refuseSlow(socket: Socket, { headersSent }: Pick<ServerResponse, "headersSent">): void {
  if (headersSent) socket.destroy();
  else refuseMalformed(Object.assign(new Error("too slow"), { code: "ERR_HTTP_REQUEST_TIMEOUT" }), socket);
}
