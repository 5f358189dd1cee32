import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { OnbehalfError, invalidRequest } from "../core/errors.ts";

/** @returns whether a request's host is one of ours; `localAddress`: the address that its connection came to */
export type IsOwnHost = (hostname: string, localAddress: string | undefined) => boolean;

/** A host as the Host header has it: a name of letters, digits, dots and hyphens, or an IPv6 address; and a port. */
const plainHost = /^(?:[a-z0-9_](?:[a-z0-9._-]{0,253}[a-z0-9_.])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/**
 * What is wrong with the address that a request was sent to. It is looked at before anything else of the request: a
 * target or a host that only some parsers accept would fail later, as if that were a fault of ours.
 *
 * RFC 9112 section 3.2.2 lets a server take a whole URL as the target. We do not: it names a second host, and user info.
 *
 * @param isOwnHost which hosts a request may name
 * @returns the error to answer with, or undefined where nothing is wrong
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2
 */
export function refusedAddress(
  {
    url = "",
    rawHeaders,
    socket,
  }: Pick<IncomingMessage, "url" | "rawHeaders"> & { readonly socket: Pick<Socket, "localAddress"> },
  isOwnHost: IsOwnHost,
): OnbehalfError | undefined {
  const hosts = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === "host");
  const [host = ""] = hosts;
  if (hosts.length !== 1 || !plainHost.test(host) || !URL.canParse(`http://${host}/`)) {
    return invalidRequest(
      "the request must have one Host header, with a host and, where it is not the usual one, its port",
      "send the host to which the request goes, such as Host: vault.example.com",
      "host",
    );
  }
  if (!isOwnHost(new URL(`http://${host}/`).hostname, socket.localAddress)) {
    return new OnbehalfError("csrf_rejected", "the request names a host that is none of this service's", {
      hint: "set ONBEHALF_PUBLIC_URL to the URL by which the service is reached, or name the host in ONBEHALF_ALLOWED_HOSTS",
      details: { rule: "origin" },
    });
  }
  if (!url.startsWith("/")) {
    return invalidRequest(
      "the request's target must be a path, and is a whole URL or something else",
      "send the path alone in the request line, such as GET /healthz, and the host in the Host header",
      "path",
    );
  }
  if (isAmbiguousPath(url)) {
    return invalidRequest(
      "the path must have no dot segment and no backslash",
      "write the path without them, encoded or not",
      "path",
    );
  }
  return undefined;
}

/**
 * Refuses the handshake of a WebSocket. To answer it as an ordinary request would leave a client, or a proxy between us,
 * in doubt about what follows on the connection. Other upgrades, such as h2c, may be ignored, and are.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
 */
export function refusedUpgrade({ headers }: Pick<IncomingMessage, "headers">): OnbehalfError | undefined {
  const isHandshake = /\bwebsocket\b/i.test(headers.upgrade ?? "") || "sec-websocket-key" in headers;
  if (!isHandshake) return undefined;
  return invalidRequest(
    "the service has no WebSocket, and passes none on to an API",
    "send an ordinary request, without Upgrade",
    "upgrade",
  );
}

/**
 * Whether a path turns into another one when it is parsed: by dot segments, or by backslashes, which become slashes. A
 * proxy in front of us may have allowed the path by its spelling.
 */
function isAmbiguousPath(url: string): boolean {
  const [path = ""] = url.split("?");
  return /\\|%5c|\/(?:\.|%2e){1,2}(?:[/;]|$)/i.test(path);
}
