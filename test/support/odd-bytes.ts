import { soundRequest } from "./bent-requests.ts";
import { chance, marker, oddText, onOneLine, pick } from "./odd-text.ts";
import type { OddTargets } from "./odd-text.ts";

/** Bytes on the socket that are no HTTP, or HTTP that two parsers may read in two ways. */
export function oddBytes(random: () => number, targets: OddTargets): Buffer {
  const { host, keys } = targets;
  const authorization = `Authorization: Bearer ${pick(random, ...keys, marker)}`;
  const text = onOneLine(oddText(random));
  const second = `GET /v1/grants?${marker} HTTP/1.1\r\nHost: ${host}\r\n${authorization}\r\n\r\n`;
  const lines = (...all: readonly string[]): string => `${all.join("\r\n")}\r\n\r\n`;
  const post = (...more: readonly string[]): string =>
    lines(
      `POST /${pick(random, "authcode", "v1/grants", "healthz")} HTTP/1.1`,
      `Host: ${host}`,
      authorization,
      ...more,
    );
  switch (Math.floor(random() * 20)) {
    case 0: // A length and chunks.
      return Buffer.from(`${post("Content-Length: 5", "Transfer-Encoding: chunked")}0\r\n\r\n${second}`);
    case 1: // Codings that only some parsers know as chunked.
      return Buffer.from(
        `${post(pick(random, "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding:\tchunked\u000b", "Transfer-encoding: identity\r\nTransfer-encoding: chunked", " Transfer-Encoding: chunked", "X: x\nTransfer-Encoding: chunked"))}0\r\n\r\n${second}`,
      );
    case 2: // Lengths that are none, or two of them.
      return Buffer.from(
        `${post(`Content-Length: ${pick(random, "+5", "0x5", "5, 6", "-1", "5\r\nContent-Length: 6", "00000005", "5 5", "1e1", "99999999999999999999", "")}`)}${marker}${second}`,
      );
    case 3: // Chunks that are none.
      return Buffer.from(
        `${post("Transfer-Encoding: chunked")}${pick(random, "zz", "5;ext=\u0001", "5\n", "0x5", "-5", "fffffffffffffffff", "5 ;a", "5\r")}\r\n${marker}\r\n0\r\n\r\n${second}`,
      );
    case 4: // A body that ends before its end.
      return Buffer.from(`${post(`Content-Length: ${100 + text.length}`, "X-Requested-With: x")}authCode=${text}`);
    case 5: // Chunks that end before their end.
      return Buffer.from(`${post("Transfer-Encoding: chunked", "X-Requested-With: x")}ff\r\n${text}`);
    case 6: // Hosts that are none.
      return Buffer.from(
        lines(
          `GET /healthz?${marker} HTTP/1.1`,
          `Host: ${pick(random, "a.1", "a b", "user:pass@x", "0x7f.1", "[::1", "x:99999", "x:y", "\u00e9", "x/../y", "x?y", "x#y", "127.1", "", ".", "..", `${marker}.example`, `x\r\nHost: ${host}`, "xn--a", "%6c", "[fe80::1%25eth0]", "256.256.256.256", "1".repeat(300))}`,
          authorization,
          "Connection: close",
        ),
      );
    case 7: // Whole addresses, and other targets that are no path.
      return Buffer.from(
        lines(
          `${pick(random, "GET", "POST", "OPTIONS", "CONNECT", "DELETE")} ${pick(random, `http://${host}/v1/grants?${marker}`, `https://${marker}@evil.example/`, "*", "x:1", `//evil.example/${marker}`, `http://a.1/?${marker}`, "javascript:1", `\\\\evil\\${marker}`, "?", "#", "http:", "/%", `file:///etc/${marker}`)} HTTP/1.1`,
          `Host: ${host}`,
          authorization,
          "Connection: close",
        ),
      );
    case 8: // Headers that are too many or too large.
      return Buffer.from(
        lines(
          `GET /${marker} HTTP/1.1`,
          `Host: ${host}`,
          ...(chance(random, 0.5)
            ? [`X: ${marker}${"h".repeat(Math.floor(random() * 20_000))}`]
            : Array.from({ length: Math.floor(random() * 2_000) }, (_, at) => `X-${at}: ${marker}`)),
          "Connection: close",
        ),
      );
    case 9: // Upgrades.
      return Buffer.from(
        lines(
          `GET ${pick(random, "/healthz", "/v1/grants", `/v1/grants/${pick(random, ...targets.refs)}/proxy/www.googleapis.com/x`)} HTTP/1.1`,
          `Host: ${host}`,
          authorization,
          "Connection: Upgrade, HTTP2-Settings, close",
          `Upgrade: ${pick(random, "websocket", "WebSocket", "h2c", "TLS/1.2", marker, "h2c, websocket", "")}`,
          `Sec-WebSocket-Key: ${marker}`,
          "HTTP2-Settings: AAMAAABkAAQAAP__",
        ) + text,
      );
    case 10: // Other protocols.
      return Buffer.from(
        pick(
          random,
          `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${marker}`,
          `\u0016\u0003\u0001\u0002\u0000\u0001${marker}`,
          `SSH-2.0-${marker}\r\n`,
          `EHLO ${marker}\r\n`,
          `*1\r\n$4\r\n${marker}\r\n`,
          `\u0005\u0001\u0000${marker}`,
          `PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n${second}`,
          "\r\n\r\n\r\n\r\n",
          "",
          "\0".repeat(1_000),
        ),
        "latin1",
      );
    case 11: // Versions and methods that are none.
      return Buffer.from(
        lines(
          `${pick(random, "GET", "get", "G\tET", "", marker, "GET\u0000", "POST", "M-SEARCH", "SOURCE")} /healthz?${marker} ${pick(random, "HTTP/1.0", "HTTP/0.9", "HTTP/9.9", "HTTP/1.1 x", "http/1.1", "", "HTTPS/1.1", "HTTP/1.10")}`,
          `Host: ${host}`,
          "Connection: close",
        ),
        "latin1",
      );
    case 12: // Header lines that are none.
      return Buffer.from(
        lines(
          `GET /v1/grants?${marker} HTTP/1.1`,
          `Host: ${host}`,
          pick(
            random,
            marker,
            ` ${marker}: x`,
            `X ${marker}: x`,
            `X: a\r\n ${marker}`,
            `X: \u0000${marker}`,
            `: ${marker}`,
            `X\u0001: ${marker}`,
            `X: ${marker}\rY: z`,
            `X: ${marker}\nY: z`,
            `Authorization: Bearer ${marker}\r\n${authorization}`,
          ),
          "Connection: close",
        ),
        "latin1",
      );
    case 13: // Escape sequences and bytes above 127 in each place.
      return Buffer.from(
        lines(
          `GET /\u001b[31m${marker}\u009b2J HTTP/1.1`,
          `Host: ${host}`,
          `X-Name: \u001b]0;${marker}\u0007\u009d`,
          `User-Agent: \u001b[2J${marker}\u0085`,
          "Connection: close",
        ),
        "latin1",
      );
    case 14: // Requests ahead of their answers, the last of which never ends.
      return Buffer.from(`${second.repeat(1 + Math.floor(random() * 8))}GET /${marker}`);
    case 15: // An announced body that nobody waits for.
      return Buffer.from(`${post("Expect: 100-continue", "Content-Length: 1000000")}${marker}`);
    case 16: // A body where there should be none, with a request in it.
      return Buffer.from(
        `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${second.length}\r\n\r\n${second}${second}`,
      );
    case 17: // Noise.
      return Buffer.from(Array.from({ length: Math.floor(random() * 400) }, () => Math.floor(random() * 256)));
    case 18: {
      // A sound request with some bytes changed.
      const bytes = soundRequest(random, targets, true);
      for (let changes = 1 + Math.floor(random() * 4); changes > 0; changes -= 1)
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      return bytes;
    }
    default: {
      // A sound request that is cut.
      const bytes = soundRequest(random, targets, true);
      return bytes.subarray(0, Math.floor(random() * bytes.length));
    }
  }
}
