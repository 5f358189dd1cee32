import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Vault } from "../../index.ts";
import type { MaybePromise } from "../../core/maybe-promise.ts";
import { defined } from "../../core/defined.ts";
import { cannotListen } from "../../core/listening.ts";
import { drainLimitMs } from "../../core/timing.ts";
import { refusedAddress, refusedUpgrade } from "../../node/request-address.ts";
import { safeHeaders } from "./answer-headers.ts";
import { serviceOf } from "./app.ts";
import type { ServiceOptions } from "./app.ts";
import { fastToken, preparedToken } from "./fast-token.ts";
import { maxHeaderBytes, refuseMalformed, refuseSlow } from "./malformed-request.ts";
import { ownHosts } from "./own-host.ts";
import { serviceMetrics } from "../metrics.ts";
import { startMetricsServer } from "./metrics-server.ts";
import type { MetricsServer } from "./metrics-server.ts";
import { RepeatedRequests } from "./repeated-requests.ts";
import type { FindBody } from "./repeated-requests.ts";
import { limitBody } from "./slow-bodies.ts";
import type { SlowListener } from "./slow-listener.ts";
import { problemOf } from "./problems.ts";
import { EarlyReturns } from "../../vault/http/early-returns.ts";
import { oauthTokenHeaders, tokenHeaders } from "./json-bodies.ts";
import { fastHandle } from "./token-endpoint/fast-handle.ts";
import { repeatedToken, storedToken } from "./stored-token.ts";
import { sentRequestId } from "../../vault/http/request-id.ts";
import { endIdleConnections } from "./idle-connections.ts";
import { SmallForms, isSmallForm } from "./token-endpoint/small-form.ts";

const requestTimeoutMs = 15_000;
const checkedHostsLimit = 100;
const tokenRoute = "/v1/grants/{ref}/token";
/** As the metrics have it. */
const tokenEndpoint = "/oauth";

/** What a server can be told, besides what the service in it can. */
export interface ServerOptions extends ServiceOptions {
  /**
   * Names by which programs reach the service, without port. Requests may also name this machine (`localhost`,
   * `127.0.0.1`), the address that they came to, and the public URL's host; any other is refused. Default: none.
   */
  readonly allowedHosts?: readonly string[];
  /** The address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Default 8787; 0: any free port. */
  readonly port?: number;
  /**
   * Answers `/metrics` on 127.0.0.1 at this port as well, without a key; 0: any free port. Default: the public port
   * alone, and that to callers with the permission `metrics`.
   */
  readonly metricsPort?: number;
  /** How long a client may take to send its headers, milliseconds. Default 10,000. */
  readonly headersTimeoutMs?: number;
  /**
   * How long a client may take to send its whole request, milliseconds. A request to the proxy may take longer, and only
   * stand still for so long. Default 15,000.
   */
  readonly requestTimeoutMs?: number;
  /**
   * How long requests under way may take once the server is being closed, milliseconds. Then their connections are cut,
   * also where an answer is still being streamed. Default 40,000, longer than an exchange with a provider may take.
   */
  readonly drainMs?: number;
  /** Routes of your own. Called before the service's; a request that it leaves undefined goes on to those. */
  readonly before?: (request: Request) => Promise<Response | undefined> | Response | undefined;
}

/** A server that listens. */
export interface RunningServer {
  /** Such as `http://127.0.0.1:8787`, without a slash at the end. */
  readonly url: string;
  /** Where `/metrics` is answered without a key, where there is such a port. */
  readonly metricsUrl?: string;
  /**
   * Accepts no new connection, lets requests under way finish, and resolves when all of them are answered, or cut because
   * they took longer than `drainMs`.
   */
  close(): Promise<void>;
  /** Resolves when it no longer listens and all requests are answered, for whatever reason. */
  readonly closed: Promise<void>;
}

const limits = {
  maxHeaderSize: maxHeaderBytes,
  headersTimeout: 10_000,
  // Node would count the time of a long upload, too. limitBody does not.
  requestTimeout: 0,
  keepAliveTimeout: 30_000,
  // Node looks for slow clients every 30 seconds otherwise, whatever the limits are.
  connectionsCheckingInterval: 1_000,
  // Node would answer a missing Host header itself, without a body. Our answer says what is wrong.
  requireHostHeader: false,
};

/** How long after it listens it loads what answers by the framework, milliseconds, unless a request needs it before. */
const loadAfterMs = 25;

/** The id that came with a request; undefined where none did. */
function idSentIn({ headers }: IncomingMessage): string | undefined {
  return sentRequestId(headers["x-request-id"]?.toString());
}

/**
 * Serves a vault over HTTP/1.1, with limits against slow and oversized requests.
 *
 * @param vault the vault to serve; closing the server does not close it
 * @param options what differs from the defaults
 * @returns the server, once it listens
 * @throws {OnbehalfError} `configuration_invalid`: host and port cannot be listened on
 */
export async function startServer(vault: Vault, options: ServerOptions = {}): Promise<RunningServer> {
  const { host = "127.0.0.1", port = 8787, before, metrics, onFault } = options;
  // Not by the request: its Host header is what somebody wrote, and ports of this machine belong to other programs.
  const returns = new EarlyReturns();
  const handle = serviceOf(vault, options, () => url, returns);
  let slow: SlowListener | undefined;
  let loading: Promise<SlowListener> | undefined;
  /** What answers slowly needs Node's `Request` and `Response`, which take as long to load as all else of a start. */
  const loaded = async (): Promise<SlowListener> => {
    loading ??= import("./slow-listener.ts").then(({ slowListener }) => (slow = slowListener(handle, options)));
    return loading;
  };
  const listenSlowly: SlowListener = (incoming, outgoing) => {
    if (slow !== undefined) return slow(incoming, outgoing);
    loaded().then(
      (listener) => listener(incoming, outgoing),
      (error: unknown) => {
        onFault?.(error);
        outgoing.destroy();
      },
    );
  };
  const fast = fastToken(vault);
  const stored = storedToken(vault);
  const fastByHandle = fastHandle(vault, returns);
  const bodyMs = options.requestTimeoutMs ?? requestTimeoutMs;
  const forms = new SmallForms(bodyMs, ({ socket }) => refuseSlow(socket, { headersSent: false }));
  const isOwnHost = ownHosts(options);
  /** Host headers that were found to be ours: the short way to a token takes no time to look at them again. */
  const checkedHosts = new Set<string>();
  let closing = false;
  let url = "";
  /**
   * @param body in characters of one byte each
   * @param id the id that came with the request. None is made for the answer: it would cost each one more than it tells
   */
  const send = (
    to: ServerResponse,
    route: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    id: string | undefined,
  ): void => {
    metrics?.countRequest(route, 200);
    const length = body.length;
    to.writeHead(
      200,
      id === undefined
        ? { ...headers, "content-length": length }
        : { ...headers, "x-request-id": id, "content-length": length },
    );
    to.end(body, "latin1");
  };
  /** @param form the body, where it was read already */
  const answerSlowly = (incoming: IncomingMessage, outgoing: ServerResponse, form?: Buffer): void => {
    const { host = "" } = incoming.headers;
    const flaw = refusedAddress(incoming, isOwnHost) ?? refusedUpgrade(incoming);
    if (flaw !== undefined) {
      const refusal = problemOf(flaw);
      metrics?.countRequest("other", refusal.status);
      outgoing.writeHead(refusal.status, { ...refusal.headers, ...safeHeaders }).end(JSON.stringify(refusal.body));
      return;
    }
    if (checkedHosts.size >= checkedHostsLimit) checkedHosts.clear();
    checkedHosts.add(host);
    // The server is closing: do not keep the connection open for this client's next request.
    outgoing.once("close", () => closing && incoming.socket.end());
    if (form === undefined) {
      limitBody(incoming, outgoing, bodyMs, () => refuseSlow(incoming.socket, outgoing));
      listenSlowly(incoming, outgoing);
    } else listenSlowly(Object.assign(incoming, { rawBody: form }), outgoing);
  };
  /** Answers with a token of the store, where that alone gives it. What goes wrong is told by the service, which tries again. */
  const answerFromStore = (incoming: IncomingMessage, outgoing: ServerResponse, body: string | undefined): void => {
    if (body === undefined) return answerSlowly(incoming, outgoing);
    // The server is closing: do not keep the connection open for this client's next request.
    if (closing) outgoing.once("close", () => incoming.socket.end());
    send(outgoing, tokenRoute, tokenHeaders, body, idSentIn(incoming));
  };
  const readStore = (
    { url = "", headers }: IncomingMessage,
    authorization: string,
  ): MaybePromise<string | undefined> => {
    try {
      return stored(url, authorization, headers["x-request-id"]?.toString());
    } catch {
      // The service reads again, and says what is wrong.
      return undefined;
    }
  };
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { method, url, headers } = incoming;
    const isChecked = checkedHosts.has(headers.host ?? "");
    const { authorization = "" } = headers;
    const isInVain = repeated.came(incoming, outgoing) && before === undefined;
    const isShort = isChecked && method === "GET" && !isInVain;
    const body = isShort ? fast(url ?? "", authorization) : undefined;
    const id = idSentIn(incoming);
    const repeat = (): FindBody =>
      before === undefined
        ? repeatedToken(vault, authorization, headers["x-request-id"]?.toString())
        : preparedToken(vault, authorization);
    if (body !== undefined) {
      // What is answered to the same bytes again has no id.
      if (id === undefined) repeated.mayRepeat(incoming, outgoing, tokens, repeat);
      send(outgoing, tokenRoute, tokenHeaders, body, id);
      return;
    }
    const reading = isShort && before === undefined ? readStore(incoming, authorization) : undefined;
    if (reading !== undefined) {
      if (id === undefined) repeated.mayRepeat(incoming, outgoing, tokens, repeat);
      if (reading instanceof Promise) {
        void reading.then(
          (found) => answerFromStore(incoming, outgoing, found),
          () => answerSlowly(incoming, outgoing),
        );
      } else answerFromStore(incoming, outgoing, reading);
    } else if (isChecked && before === undefined && isSmallForm(incoming)) {
      const find = (form: string): string | undefined => fastByHandle(headers.authorization, form, incoming.socket);
      if (id === undefined) repeated.mayRepeat(incoming, outgoing, oauthTokens, () => find);
      forms.read(incoming, (form) => {
        const found = find(form.toString("latin1"));
        if (found === undefined) answerSlowly(incoming, outgoing, form);
        else send(outgoing, tokenEndpoint, oauthTokenHeaders, found, id);
      });
    } else answerSlowly(incoming, outgoing);
  };
  const { headersTimeoutMs: headersTimeout } = options;
  const server = createServer(
    {
      ...limits,
      ...defined({ headersTimeout }),
    },
    answer,
  );
  const repeated = new RepeatedRequests(server);
  const tokens = repeated.route("path", tokenHeaders, () => metrics?.countRequest(tokenRoute, 200));
  const oauthTokens = repeated.route("body", oauthTokenHeaders, () => metrics?.countRequest(tokenEndpoint, 200));
  server.on("checkExpectation", answer);
  server.on("checkContinue", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const goOn = (): void => {
      outgoing.writeContinue();
      answer(incoming, outgoing);
    };
    // While an answer before this one is not over, Node would put the line of this one between its head and its body.
    if (outgoing.socket === null) outgoing.once("socket", goOn);
    else goOn();
  });
  server.on("clientError", refuseMalformed);
  endIdleConnections(server);
  await listen(server, host, port);
  const counters = await startCounters(vault, options).catch((error: unknown) => {
    server.close();
    server.closeAllConnections();
    throw error;
  });
  const closed = new Promise<void>((resolve) => {
    server.once("close", resolve);
  });
  void closed.then(() => forms.close());
  // The first request that needs it should find it there. Whoever waits for the server has something to do with it first, such as a
  // link into the dashboard to make, and would wait for this.
  setTimeout(() => void loaded().catch(() => undefined), loadAfterMs).unref();
  const address = server.address() as AddressInfo;
  url = `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
  return {
    url,
    ...defined({ metricsUrl: counters?.url }),
    close: () => {
      closing = true;
      // Whoever waits for an event is answered: a connection that only waits would be cut in the end.
      vault.eventReader.end();
      repeated.flush();
      server.close();
      void counters?.close();
      // An API may send an answer for hours, and a client may read it as slowly as it likes.
      const cut = setTimeout(() => server.closeAllConnections(), options.drainMs ?? drainLimitMs);
      return closed.finally(() => clearTimeout(cut));
    },
    closed,
  };
}

async function startCounters(
  vault: Vault,
  { metrics = serviceMetrics(), metricsPort, onFault }: ServerOptions,
): Promise<MetricsServer | undefined> {
  if (metricsPort === undefined) return undefined;
  metrics.watch?.({ figures: vault.figures, now: () => vault.clock.now() });
  return startMetricsServer(metrics, metricsPort, onFault);
}

function listen(
  server: ReturnType<typeof createServer<typeof IncomingMessage, typeof ServerResponse>>,
  host: string,
  port: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(cannotListen(host, port, error));
    });
    server.listen(port, host, resolve);
  });
}
