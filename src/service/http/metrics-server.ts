/**
 * The port of its own for `/metrics`, for a Prometheus on this machine that has no caller key. What is counted does not
 * belong here (metrics.ts), nor how the public port answers (app.ts).
 */
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { OnbehalfError, isOnbehalfError, problemOf } from "../../index.ts";
import type { Problem } from "../../index.ts";
import { cannotListen } from "../../core/listening.ts";
import { refusedAddress } from "../../node/request-address.ts";
import type { Metrics } from "../metrics.ts";
import { safeHeaders } from "./answer-headers.ts";
import { maxHeaderBytes, refuseMalformed } from "./malformed-request.ts";
import { ownHosts } from "./own-host.ts";

/** Only this machine: the counters tell how many people sign in, and there is no key to ask for. */
const host = "127.0.0.1";

const setting = { port: { flag: "--metrics-port", variable: "ONBEHALF_METRICS_PORT" } };

const limits = {
  maxHeaderSize: maxHeaderBytes,
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  requireHostHeader: false,
};

/** A server of metrics that listens. */
export interface MetricsServer {
  /** Such as `http://127.0.0.1:9464`; the counters are at `/metrics`, and at `/` as well. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Answers `/metrics` on 127.0.0.1, to whoever can reach that.
 *
 * @param port 0: any free port
 * @param onFault is told of unexpected errors
 * @throws {OnbehalfError} `configuration_invalid`: the port cannot be listened on
 */
export async function startMetricsServer(
  metrics: Metrics,
  port: number,
  onFault: (error: unknown) => void = () => undefined,
): Promise<MetricsServer> {
  // A page in somebody's browser on this machine must not read it by a name of its own that leads here.
  const isOwnHost = ownHosts({});
  const server = createServer(limits, (incoming, outgoing) => {
    const { method = "", url = "" } = incoming;
    incoming.resume();
    const flaw = refusedAddress(incoming, isOwnHost) ?? otherThanMetrics(method, url);
    if (flaw !== undefined) refuse(outgoing, problemOf(flaw));
    else
      metrics.text().then(
        ({ contentType, body }) => {
          outgoing.writeHead(200, { ...safeHeaders, "cache-control": "no-store", "content-type": contentType });
          outgoing.end(method === "HEAD" ? undefined : body);
        },
        (error: unknown) => {
          if (!isOnbehalfError(error)) onFault(error);
          refuse(outgoing, problemOf(error));
        },
      );
  });
  server.on("clientError", refuseMalformed);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(cannotListen(host, port, error, setting)));
    server.listen(port, host, resolve);
  });
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        // Nobody loses anything: the next one asks again.
        server.closeAllConnections();
      }),
  };
}

function otherThanMetrics(method: string, url: string): OnbehalfError | undefined {
  if (!/^\/(?:metrics)?(?:\?|$)/.test(url)) {
    return new OnbehalfError("not_found", "there is nothing at this address", {
      hint: "ask for /metrics",
      details: {},
    });
  }
  if (method === "GET" || method === "HEAD") return undefined;
  return new OnbehalfError("method_not_allowed", "this address does not have this method", {
    hint: "use GET",
    details: { allow: ["GET"] },
  });
}

function refuse(outgoing: ServerResponse, { status, headers, body }: Problem): void {
  outgoing.writeHead(status, { ...headers, ...safeHeaders, "cache-control": "no-store" }).end(JSON.stringify(body));
}
