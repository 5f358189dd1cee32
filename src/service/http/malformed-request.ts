import type { Socket } from "node:net";
import { OnbehalfError, problemOf } from "../../index.ts";

export const maxHeaderBytes: number = 16 * 1024;

interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly error: OnbehalfError;
}

const tooLarge: Refusal = {
  status: 431,
  reason: "Request Header Fields Too Large",
  error: new OnbehalfError("request_too_large", "the headers are too large", {
    hint: "send an address and headers of 16 KiB at most, all together",
    details: { limitBytes: maxHeaderBytes },
  }),
};

const tooSlow: Refusal = {
  status: 408,
  reason: "Request Timeout",
  error: new OnbehalfError("invalid_request", "the request did not arrive in time", {
    hint: "send it again, all of it at once",
    details: {},
  }),
};

const notHttp: Refusal = {
  status: 400,
  reason: "Bad Request",
  error: new OnbehalfError("invalid_request", "the request cannot be read", {
    hint: "send valid HTTP/1.1, without TLS",
    details: {},
  }),
};

const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: tooLarge,
  ERR_HTTP_REQUEST_TIMEOUT: tooSlow,
};

/** Answers what the HTTP parser refused: too large or malformed headers, or a client that is too slow. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const { status, reason, error: ours } = refusals[error.code ?? ""] ?? notHttp;
  const { headers, body } = problemOf(ours);
  // The parser knows the status better than our table does: these are answers about HTTP itself.
  const text = JSON.stringify({ ...body, status });
  const lines = Object.entries({ ...headers, "content-length": Buffer.byteLength(text), connection: "close" });
  socket.end(
    [`HTTP/1.1 ${status} ${reason}`, ...lines.map(([name, value]) => `${name}: ${value}`), "", text].join("\r\n"),
  );
}
