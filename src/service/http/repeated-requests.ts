/**
 * Requests that differ from one before, on the same connection, by their path alone, or by the bytes of a body of the same
 * length. Node's parser has read that one: its bytes, but for these, need no second look. So the answer to such a request,
 * where it is found, is written without Node's HTTP server, which neither parses the request nor makes objects of it: that
 * costs more than all the rest. Whatever is not such a request goes to Node as if nobody had looked at it. What is in an
 * answer does not belong here.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { systemClock } from "../../core/clock.ts";
import type { MaybePromise } from "../../core/maybe-promise.ts";

type Listener = (chunk: Buffer) => void;

/**
 * Finds the body of a 200 for what differs, a path or a body, in characters of one byte each; undefined, or a promise that
 * rejects, where somebody else must answer.
 */
export type FindBody = (varying: string) => MaybePromise<string | undefined>;

/** A request whose body is looked for is Node's after so long, which ends connections that stand still, milliseconds. */
const longestLookMs = 5_000;

/** Of one route: what its requests differ by, and what is the same in its answers. */
export interface RepeatedRoute {
  readonly differsBy: "path" | "body";
  /** Makes an answer's head. */
  readonly headOf: (length: number) => string;
  /** Called for each answer. */
  readonly answered: () => void;
}

/** What a connection sends again and again. */
interface Repeated {
  readonly before: Buffer;
  /** After a path: the version, the headers, and the empty line. */
  readonly after: Buffer;
  /** How long a body is. Undefined: a path may have any length. */
  readonly length: number | undefined;
  readonly route: RepeatedRoute;
  readonly find: FindBody;
}

const headEnd = "\r\n\r\n";

/** Looks at what comes on a server's connections before Node does. */
export class RepeatedRequests {
  readonly #server: Server;
  readonly #connections = new WeakMap<Socket, Connection>();
  readonly #outbox = new Outbox();

  /** @param server Node's, which parses and answers everything else */
  constructor(server: Server) {
    this.#server = server;
    const isOpen = (): boolean => server.listening;
    server.on("connection", (socket: Socket) => {
      const [feed, ...others] = socket.listeners("data") as Listener[];
      // Where this Node's server reads in another way than by one listener, it is left alone.
      if (feed === undefined || others.length > 0) return;
      this.#connections.set(socket, new Connection(socket, feed, isOpen, this.#outbox));
    });
  }

  /**
   * A route whose requests may be repeated.
   *
   * @param headers of its answers
   * @param answered called for each answer
   */
  route(
    differsBy: RepeatedRoute["differsBy"],
    headers: Readonly<Record<string, string>>,
    answered: () => void,
  ): RepeatedRoute {
    return { differsBy, headOf: headWriter(this.#server, headers), answered };
  }

  /**
   * Writes what was answered in this turn of the event loop, and gives Node what is still looked for. To be called before the
   * server is closed: it cuts who is idle.
   */
  flush(): void {
    this.#outbox.empty();
    this.#outbox.giveUp();
  }

  /**
   * To be called for each request that Node has parsed, before it is answered.
   *
   * @returns whether its body was looked for, in vain
   */
  came(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    return this.#connections.get(incoming.socket)?.came(incoming, outgoing) ?? false;
  }

  /**
   * The request that Node has parsed is one that may be repeated with another path or body.
   *
   * @param find what answers those
   */
  mayRepeat(
    { socket }: IncomingMessage,
    { shouldKeepAlive }: ServerResponse,
    route: RepeatedRoute,
    find: () => FindBody,
  ): void {
    if (shouldKeepAlive) this.#connections.get(socket)?.mayRepeat({ route, find });
  }
}

/** That the request which Node has just parsed may be repeated. */
interface Allowed {
  readonly route: RepeatedRoute;
  readonly find: () => FindBody;
}

/**
 * Answers that are written together, at the end of a turn of the event loop. To wake a client on this machine that sleeps takes
 * as long as to read a token from a file. The first answer wakes it, and it is awake for the others.
 */
class Outbox {
  #waiting: Connection[] = [];
  /** Those whose answer is looked for, and since when, by this process's monotonic clock. */
  readonly looking: Map<Connection, number> = new Map();
  #timer: NodeJS.Timeout | undefined;

  /** Writes what a connection has to say before the turn is over. */
  add(connection: Connection): void {
    if (this.#waiting.push(connection) === 1) setImmediate(() => this.empty());
  }

  empty(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) each.write();
  }

  /** An answer is looked for. */
  look(connection: Connection): void {
    this.looking.set(connection, performance.now());
    this.#watch();
  }

  /** Gives Node what has been looked for that long, milliseconds. */
  giveUp(forMs = 0): void {
    const before = performance.now() - forMs;
    for (const [connection, since] of this.looking) if (since <= before) connection.giveUp();
  }

  #watch(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.giveUp(longestLookMs);
      if (this.looking.size > 0) this.#watch();
    }, longestLookMs).unref();
  }
}

class Connection {
  readonly #socket: Socket;
  /** Node's parser. */
  readonly #feed: Listener;
  /** Whether the server goes on after this answer. One that is being closed says so in its answers: that is Node's part. */
  readonly #isOpen: () => boolean;
  readonly #listener: Listener;
  #repeated: Repeated | undefined;
  /** How many requests Node has not answered yet. */
  #open = 0;
  /** How many bytes of a request's body are still to come. Only where it is 0, a request begins with the next byte. */
  #missing = 0;
  /** What Node's parser has found in what it is reading just now. */
  #found: IncomingMessage[] | undefined;
  #allowed: Allowed | undefined;
  readonly #outbox: Outbox;
  /** An answer that is not written yet. */
  #answer: string | undefined;
  /** A request whose answer is looked for. */
  #looked: Buffer | undefined;
  /** Whether what Node reads just now was looked for in vain. */
  #isInVain = false;

  constructor(socket: Socket, feed: Listener, isOpen: () => boolean, outbox: Outbox) {
    this.#outbox = outbox;
    this.#socket = socket;
    this.#feed = feed;
    this.#isOpen = isOpen;
    this.#listener = (chunk) => this.#read(chunk);
    // In this order, so that the socket goes on reading.
    socket.on("data", this.#listener);
    socket.off("data", feed);
    // Node ends a connection whose client has said its last, and nothing can be written to it then.
    socket.prependListener("end", () => {
      this.write();
      this.#forget();
    });
    socket.once("close", () => this.#forget());
  }

  came(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    this.#found?.push(incoming);
    this.#open += 1;
    outgoing.once("close", () => (this.#open -= 1));
    return this.#isInVain;
  }

  mayRepeat(allowed: Allowed): void {
    this.#allowed = allowed;
  }

  /** Writes the answer, unless that was done. */
  write(): void {
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer !== undefined) this.#socket.write(answer, "latin1");
  }

  /** Gives Node the request whose answer is looked for: it knows the order of answers, and whom to wait for. */
  giveUp(): void {
    const chunk = this.#looked;
    this.#forget();
    if (chunk !== undefined) this.#give(chunk);
  }

  #forget(): void {
    if (this.#looked === undefined) return;
    this.#looked = undefined;
    this.#outbox.looking.delete(this);
  }

  #read(chunk: Buffer): void {
    // Answers come in the order of their requests, whoever gives the next one.
    this.write();
    this.giveUp();
    const repeated = this.#repeated;
    // Where the client does not read its answers, Node holds it back.
    const isNext = this.#open === 0 && this.#missing === 0 && !this.#socket.writableNeedDrain && this.#isOpen();
    if (repeated === undefined || !isNext) return this.#give(chunk);
    const { before, after, length, route, find } = repeated;
    const end = chunk.length - after.length;
    const isRepeated =
      (length === undefined ? end > before.length : end === before.length + length) &&
      chunk.compare(after, 0, after.length, end) === 0 &&
      chunk.compare(before, 0, before.length, 0, before.length) === 0;
    // A text of its own: a piece of one with the headers would keep those in memory, and the caller's key with them.
    const body = isRepeated ? find(chunk.toString("latin1", before.length, end)) : undefined;
    if (!(body instanceof Promise)) return this.#end(chunk, body, isRepeated, route);
    this.#looked = chunk;
    this.#outbox.look(this);
    const over = (found?: string): void => {
      // It is Node's by now, or the client has gone.
      if (this.#looked !== chunk) return;
      this.#forget();
      this.#end(chunk, found, true, route);
    };
    body.then(over, () => over());
  }

  #end(chunk: Buffer, body: string | undefined, isLookedFor: boolean, { headOf, answered }: RepeatedRoute): void {
    if (body === undefined) return this.#give(chunk, isLookedFor);
    this.#answer = headOf(body.length) + body;
    this.#outbox.add(this);
    answered();
  }

  /** Gives Node what came, and finds out whether a request begins with the next byte. */
  #give(chunk: Buffer, isInVain = false): void {
    const found: IncomingMessage[] = [];
    this.#found = found;
    this.#allowed = undefined;
    this.#isInVain = isInVain;
    this.#feed(chunk);
    this.#isInVain = false;
    this.#found = undefined;
    if (this.#missing > 0 && found.length === 0 && chunk.length <= this.#missing) {
      this.#missing -= chunk.length;
      return;
    }
    const [request] = found;
    const isOne = this.#missing === 0 && request !== undefined && found.length === 1;
    const missing = isOne ? missingOf(request, chunk) : undefined;
    // It is not known where the next request begins: Node is left alone with this connection.
    if (missing === undefined) return this.#giveUp();
    this.#missing = missing;
    // By now, whoever answers has said so.
    const allowed = this.#allowed as Allowed | undefined;
    if (allowed === undefined || missing > 0) return;
    const around = partsAround(chunk, request?.url ?? "", allowed.route.differsBy);
    if (around !== undefined) this.#repeated = { ...around, route: allowed.route, find: allowed.find() };
  }

  #giveUp(): void {
    this.#socket.on("data", this.#feed);
    this.#socket.off("data", this.#listener);
  }
}

/** How many bytes of a request's body have not come with its head; undefined where that is not known, or more has come. */
function missingOf({ headers }: IncomingMessage, chunk: Buffer): number | undefined {
  const { "content-length": length = "0", "transfer-encoding": coding, upgrade, expect } = headers;
  const end = chunk.indexOf(headEnd, 0, "latin1");
  // Empty lines before a request are no end of its head, and Node passes over them.
  if (chunk[0] === 0x0d || chunk[0] === 0x0a) return undefined;
  if (coding !== undefined || upgrade !== undefined || expect !== undefined || end < 0) return undefined;
  const missing = end + headEnd.length + Number(length) - chunk.length;
  return Number.isSafeInteger(missing) && missing >= 0 ? missing : undefined;
}

/** What is around that by which the next request may differ; undefined where the request is not written as clients do. */
function partsAround(
  chunk: Buffer,
  url: string,
  differsBy: RepeatedRoute["differsBy"],
): Pick<Repeated, "before" | "after" | "length"> | undefined {
  // Copies, of the size that is needed: what came may be part of something larger.
  const piece = (from: number, to?: number): Buffer => Buffer.from(chunk.subarray(from, to));
  if (differsBy === "path") {
    const line = `GET ${url} HTTP/1.1\r\n`;
    if (chunk.toString("latin1", 0, line.length) !== line) return undefined;
    return { before: piece(0, 4), after: piece(4 + url.length), length: undefined };
  }
  const end = chunk.indexOf(headEnd, 0, "latin1") + headEnd.length;
  return { before: piece(0, end), after: piece(0, 0), length: chunk.length - end };
}

/** Makes the head of an answer, as Node's HTTP server writes it. */
function headWriter(server: Server, headers: Readonly<Record<string, string>>): (length: number) => string {
  const lines = Object.entries({ ...headers, "content-length": "" }).map(([name, value]) => `${name}: ${value}`);
  const before = ["HTTP/1.1 200 OK", ...lines].join("\r\n");
  const alive = `\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(server.keepAliveTimeout / 1_000)}${headEnd}`;
  // What Node writes is the machine's own time, too.
  let second = Number.NaN;
  let after = "";
  return (length) => {
    const now = Math.floor(systemClock.now() / 1_000);
    if (now !== second) {
      second = now;
      after = `\r\nDate: ${new Date(now * 1_000).toUTCString()}${alive}`;
    }
    return `${before}${length}${after}`;
  };
}
