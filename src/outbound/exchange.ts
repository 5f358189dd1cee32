/*
 * One request over Node's HTTP: by which connections it goes, and how long it waits. `outbound-fetch.ts` makes a `fetch` of
 * it. A form with a short answer, as token endpoints have, goes without one: a `Response` and its stream cost four times
 * what the request itself does.
 */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import type { AgentOptions, ClientRequest, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { Readable, pipeline } from "node:stream";
import { decoded } from "./content-coding.ts";
import { failure, viaProxy } from "./failures.ts";
import { https } from "./node-https.ts";
import { proxyRoutes } from "./proxy-agents.ts";
import { publicLookup } from "./public-lookup.ts";
import { exactly } from "./streamed-body.ts";
import type { StreamedBody } from "./streamed-body.ts";
import { userAgent } from "./user-agent.ts";

/** How long a request waits. */
export interface OutboundLimits {
  /** For a connection, TLS and a proxy's tunnel included, milliseconds. */
  readonly connectMs: number;
  /**
   * For the next byte of a request or an answer, milliseconds. An answer that announces no length may be silent for longer:
   * it may be a stream of events, of which there is none for hours.
   */
  readonly silenceMs: number;
}

export const usualLimits: OutboundLimits = { connectMs: 10_000, silenceMs: 300_000 };

/** How long a connection of a silent stream may say nothing before the system asks whether its other end is there, milliseconds. */
const aliveAfterMs = 30_000;

/** Connections are kept for as long as servers keep theirs at least: one that the server closes fails the request. */
const kept: AgentOptions = { keepAlive: true, timeout: 4_000 };

/** The content codings that this sender decodes. */
export const acceptedCodings = "gzip, deflate, br";

/** By which way a request goes. */
export interface Route {
  readonly agent: HttpAgent;
  /** Host and port of the proxy; undefined where the request goes to its server directly. */
  readonly proxy?: string;
}

/** The way to a URL; `publicOnly`: its name must mean addresses of the public internet alone. */
export type Routes = (url: URL, publicOnly?: boolean) => Route;

/** The ways out of this process: each keeps its connections, and a proxy is used where `env` names one. */
export function routesOf(env: NodeJS.ProcessEnv, limits: OutboundLimits): Routes {
  const direct = agentOf(kept);
  const onlyPublic = agentOf({ lookup: publicLookup(), ...kept });
  const throughProxy = proxyRoutes(env, limits.connectMs);
  return (url, publicOnly = false) => throughProxy?.(url) ?? { agent: (publicOnly ? onlyPublic : direct)(url) };
}

/** The agent of each protocol, made when it is needed. */
function agentOf(options: AgentOptions): (url: URL) => HttpAgent {
  let [http, overTls]: (HttpAgent | undefined)[] = [];
  return ({ protocol }) =>
    protocol === "https:" ? (overTls ??= new (https().Agent)(options)) : (http ??= new HttpAgent(options));
}

/** A body that is ready to be sent. */
export type OutboundBody = StreamedBody | BodyInBytes;

interface BodyInBytes extends Omit<StreamedBody, "chunks"> {
  readonly bytes: Uint8Array;
}

export interface ReadyRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: OutboundBody | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Sends a request, and resolves when the head of its answer is there. */
export function exchange(
  { url, method, headers, body, signal }: ReadyRequest,
  { agent, proxy }: Route,
  limits: OutboundLimits,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? https().request : httpRequest)(url, { method, headers, agent });
    let incoming: IncomingMessage | undefined;
    const told = (error: Error): Error => (proxy === undefined ? error : viaProxy(error, proxy));
    const end = (error: Error): void => {
      // While a proxy opens the way there is no socket yet, and a request that is destroyed tells nobody.
      reject(told(error));
      (incoming ?? request).destroy(error);
    };
    const abort = (): void => {
      reject(signal?.reason as Error);
      end(signal?.reason instanceof Error ? signal.reason : new DOMException("the request was aborted", "AbortError"));
    };
    signal?.addEventListener("abort", abort, { once: true });
    request.once("close", () => signal?.removeEventListener("abort", abort));
    // Errors may follow the answer, as when the server does not read the rest of our body.
    request.on("error", (error) => reject(told(error)));
    request.once("response", (message) => {
      incoming = message;
      if (message.headers["content-length"] === undefined) {
        // Whoever reads decides for how long. Where the server is gone without a word, its system does not answer ours.
        request.setTimeout(0);
        message.socket.setKeepAlive(true, aliveAfterMs);
      }
      resolve(message);
    });
    // Nobody asked for another protocol, so nothing could read what follows.
    request.once("upgrade", (_message, socket) => {
      socket.destroy();
      reject(failure("BAD_STATUS", "the server answered with the status 101"));
    });
    limitConnecting(request, limits.connectMs, end);
    request.setTimeout(limits.silenceMs, () => end(failure("IDLE_TIMEOUT", `${url.host} fell silent`)));

    if (body === undefined) request.end();
    else if ("bytes" in body) request.end(body.bytes);
    else {
      // Its first byte may be long in coming: a server can answer the head alone.
      request.flushHeaders();
      const announced = headers["content-length"] === undefined ? undefined : Number(headers["content-length"]);
      // What goes wrong destroys the request, which tells its error.
      pipeline(Readable.from(exactly(body.chunks, announced)), request, (error) => error && reject(error));
    }
  });
}

/** Ends a request that is not connected in time. Until then not a byte of it was sent. */
function limitConnecting(request: ClientRequest, ms: number, end: (error: Error) => void): void {
  const timer = setTimeout(() => {
    end(failure("CONNECT_TIMEOUT", `no connection within ${ms} ms`));
  }, ms);
  const connected = (): void => clearTimeout(timer);
  request.once("close", connected);
  request.once("socket", (socket) => {
    if (socket.connecting || ("secureConnecting" in socket && socket.secureConnecting === true)) {
      socket.once("secureConnecting" in socket ? "secureConnect" : "connect", connected);
    } else connected();
  });
}

/** @throws {Error} `BAD_STATUS`: no `Response` can have this status, and what follows is no answer */
export function assertStatus(incoming: IncomingMessage): void {
  const { statusCode: status = 0 } = incoming;
  if (status >= 200 && status <= 599) return;
  incoming.destroy();
  throw failure("BAD_STATUS", `the server answered with the status ${status}`);
}

/** Takes an answer as it comes. What came before a connection ended in the middle has been taken, too. */
export interface AnswerTaker {
  head(status: number, headers: ReceivedHeaders): void;
  /** @returns false: no more of it is wanted, and the connection is closed */
  chunk(bytes: Uint8Array): boolean;
}

/** A form that is on its way. */
export interface SentForm {
  /** Resolves when the answer is over, or no more of it is wanted. Rejects as `fetch` and the reading of its body do. */
  readonly ended: Promise<void>;
  /** Gives it up: `ended` rejects with this error. */
  readonly abort: (error: Error) => void;
}

/**
 * Sends forms over the same connections as the `fetch` beside it, with what every request needs and without redirects. It
 * waits for a connection no longer than `connectMs`. For how long it waits for the answer, the caller decides.
 */
export function formSender(
  routeTo: Routes,
  { connectMs }: Pick<OutboundLimits, "connectMs">,
): (address: string, headers: Readonly<Record<string, string>>, body: string, answer: AnswerTaker) => SentForm {
  return (address, given, body, answer) => {
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
    const url = new URL(address);
    if (!/^https?:$/.test(url.protocol)) throw new TypeError(`the URL must be http or https, and is ${url.protocol}`);
    const { agent, proxy } = routeTo(url);
    const headers = {
      "user-agent": userAgent,
      "accept-encoding": acceptedCodings,
      ...given,
      "content-length": String(Buffer.byteLength(body)),
    };
    const request = (url.protocol === "https:" ? https().request : httpRequest)(url, {
      method: "POST",
      headers,
      agent,
    });
    let incoming: IncomingMessage | undefined;
    const told = (error: Error): Error => (proxy === undefined ? error : viaProxy(error, proxy));
    const abort = (error: Error): void => {
      reject(told(error));
      (incoming ?? request).destroy(error);
    };
    request.on("error", (error) => reject(told(error)));
    request.once("response", (message) => {
      incoming = message;
      message.on("error", reject);
      try {
        assertStatus(message);
      } catch (error) {
        reject(error);
        return;
      }
      const received = new ReceivedHeaders(message.rawHeaders);
      answer.head(message.statusCode ?? 0, received);
      const coding = received.get("content-encoding");
      const source = coding === null ? message : decoded(message, new Headers({ "content-encoding": coding }));
      source.on("data", (chunk: Uint8Array) => {
        if (answer.chunk(chunk)) return;
        resolve();
        message.destroy();
      });
      source.once("end", resolve);
      if (source !== message) source.on("error", reject);
    });
    request.once("upgrade", (_message, socket) => {
      socket.destroy();
      reject(failure("BAD_STATUS", "the server answered with the status 101"));
    });
    limitConnecting(request, connectMs, abort);
    // One text, so that Node writes head and body together: two writes are two packets.
    request.end(body);
    return { ended, abort };
  };
}

/** The headers of an answer, as `Headers` gives them. */
export class ReceivedHeaders {
  readonly #raw: readonly string[];

  /** @param raw names and values in turn, as they came */
  constructor(raw: readonly string[]) {
    this.#raw = raw;
  }

  /** Every value of a header, joined by commas; null where it did not come. @param name in lower case */
  get(name: string): string | null {
    let found: string | null = null;
    for (let at = 0; at < this.#raw.length; at += 2) {
      const each = this.#raw[at] ?? "";
      if (each.length !== name.length || each.toLowerCase() !== name) continue;
      const value = (this.#raw[at + 1] ?? "").trim();
      found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }

  *[Symbol.iterator](): Iterator<[string, string]> {
    for (let at = 0; at < this.#raw.length; at += 2) yield [this.#raw[at] ?? "", this.#raw[at + 1] ?? ""];
  }
}
