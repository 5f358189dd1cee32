import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { faultReply, hasAnswer, type PlacedFault } from "./faults.ts";
import { BodyTooLarge, type Incoming, json, readBody, type Reply } from "./http.ts";
import { send } from "./sending.ts";
import { described, noted } from "./request-log.ts";
import { type Match, methodsOf, type Router } from "./router.ts";
import { type World } from "./world.ts";

const formLimit = 65_536;
const uploadLimit = 32 * 1_048_576;

/** What a server needs once it knows where it listens. */
export interface Site {
  readonly world: World;
  readonly router: Router;
}

export interface Listening {
  readonly url: string;
  /** Requests that came first wait until the site is there. */
  open(site: Site): void;
  close(): Promise<void>;
}

/** Listens on `host`:`port` (0: any free port) and answers from the site's routes, faults included. */
export async function listen(host: string, port: number): Promise<Listening> {
  const ending = new AbortController();
  const site = Promise.withResolvers<Site>();
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    site.promise
      .then((open) => answer(open, request, response, ending.signal))
      .catch((error: unknown) => {
        fail(response, error, ending.signal);
      });
  });
  await listening(server, port, host);
  const address = server.address() as AddressInfo;
  const shown = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${shown}:${String(address.port)}`,
    open: site.resolve,
    close: async () => {
      ending.abort();
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The other side hung up, or we are closing: that connection's affair. Anything else is a bug here, and is shown. */
function fail(response: ServerResponse, error: unknown, ending: AbortSignal): void {
  if (ending.aborted || response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  response.writeHead(500, { "content-type": "text/plain" }).end(`the stand-in failed: ${String(error)}\n`);
}

async function listening(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

const plain = (status: number, message: string, headers: Record<string, string> = {}): Reply =>
  json(status, { error: { code: status, message } }, { outcome: "refused" }, headers);

async function answer(
  site: Site,
  request: IncomingMessage,
  response: ServerResponse,
  ending: AbortSignal,
): Promise<void> {
  const { world, router } = site;
  const target = request.url ?? "/";
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const match = router.match(path);
  const control = path.startsWith("/standin/");
  const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
  const body = await readBody(request, path.startsWith("/upload/") ? uploadLimit : formLimit).catch(
    (error: unknown) => {
      if (error instanceof BodyTooLarge) return undefined;
      throw error;
    },
  );
  const incoming: Incoming = {
    method,
    path,
    params: match?.params ?? {},
    query: new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1)),
    headers: request.headers,
    body: body ?? Buffer.alloc(0),
  };
  const fault = control ? undefined : world.faults.take(method, [path, match?.canonical ?? path]);
  const reply = await decide(world, incoming, match, body === undefined, fault, ending);
  if (fault?.after === "answer" && fault.delayMs !== undefined)
    await wait(fault.delayMs, undefined, { signal: ending });
  await send(response, reply, { fault, head: request.method === "HEAD", ending, tooLarge: body === undefined });
}

/** Acts on the request, or lets a fault answer in its place, and writes the log. */
async function decide(
  world: World,
  request: Incoming,
  match: Match | undefined,
  tooLarge: boolean,
  fault: PlacedFault | undefined,
  ending: AbortSignal,
): Promise<Reply> {
  const acts = fault?.after === "answer" || fault === undefined || !(hasAnswer(fault) || fault.drop !== undefined);
  if (fault?.delayMs !== undefined && fault.after !== "answer")
    await wait(fault.delayMs, undefined, { signal: ending });
  const own = acts ? await handle(request, match, tooLarge) : undefined;
  const reply = fault !== undefined && hasAnswer(fault) ? faultReply(fault) : (own ?? { status: 0 });
  if (!request.path.startsWith("/standin/")) {
    world.log.add({
      at: new Date(world.clock.now()).toISOString(),
      ...described(request),
      status: fault?.drop === true ? 0 : reply.status,
      ...noted(own === undefined ? { outcome: "fault" } : (own.note ?? { outcome: "served" })),
      ...(fault === undefined ? {} : { fault: true as const }),
    });
  }
  return reply;
}

async function handle(request: Incoming, match: Match | undefined, tooLarge: boolean): Promise<Reply> {
  if (tooLarge) return plain(413, "Request body too large");
  if (match === undefined) return plain(404, "Not Found");
  const methods = methodsOf(match.route);
  const handler = methods.includes(request.method as (typeof methods)[number])
    ? match.route[request.method as (typeof methods)[number]]
    : undefined;
  if (handler === undefined) return plain(405, "Method Not Allowed", { allow: methods.join(", ") });
  return handler(request);
}
