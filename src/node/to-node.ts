import type { IncomingMessage, ServerResponse } from "node:http";
import { OnbehalfError } from "../core/errors.ts";
import { problemResponse } from "../core/problem.ts";
import { sendResponse } from "./send-response.ts";
import { duringRequest } from "./web-request.ts";
import type { Before, NodeContext } from "./web-request.ts";

/** A web-standard handler: any of ours, or another. The second argument says what else is known. */
export type WebHandler = (request: Request, context: NodeContext) => Promise<Response> | Response;

/** What is needed of a Fastify request. */
export interface FastifyRequest {
  readonly raw: object;
  readonly body?: unknown;
  readonly server?: { readonly prefix?: string };
}

/** What is needed of a Fastify reply. */
export interface FastifyReply {
  readonly raw: object;
  code(status: number): unknown;
  getHeader(name: string): unknown;
  header(name: string, value: string): unknown;
  send(payload?: unknown): unknown;
}

/** How Express and Connect are told of an error. */
type Next = (error?: unknown) => void;

/** A handler for Node's servers: a listener of `node:http`, a middleware of Express and Connect, a handler of Fastify. */
export interface NodeHandler {
  (request: IncomingMessage, response: ServerResponse, next?: Next): void;
  (request: FastifyRequest, reply: FastifyReply): unknown;
}

/** What `toNode` can be told. */
export interface ToNodeOptions {
  /**
   * Called with what the handler throws where there is no `next` to call with it; the answer is then `internal_error`.
   * By default a warning of the process, without the error's message, which may hold a secret.
   */
  readonly onFault?: (error: unknown) => void;
}

/**
 * Makes a web-standard handler one for Node: mount what it returns as a listener of `node:http`, as a middleware or
 * route of Express 4, Express 5 or Connect, or as a route of Fastify.
 *
 * A body that a parser has read before is taken from `req.body`, `req.rawBody` or Fastify's `request.body`: as the bytes
 * that it was, or written anew by its content type. Where that is impossible, the answer is `configuration_invalid`. The
 * request's URL is the one that the client sent, also beneath a path that a router has taken off. `next` is called with
 * an error that the handler throws, and never otherwise. A client that goes away aborts the request's signal.
 *
 * @param handler what `vault.authCodeHandler` or `service` returns, or any other
 * @param options what differs from the defaults
 * @see https://fetch.spec.whatwg.org/#request-class
 */
export function toNode(handler: WebHandler, options: ToNodeOptions = {}): NodeHandler {
  const onFault = options.onFault ?? warn;

  function handle(
    request: IncomingMessage | FastifyRequest,
    reply: ServerResponse | FastifyReply,
    next?: Next,
  ): unknown {
    if ("raw" in request && "raw" in reply) return forFastify(request, reply);
    void serve(request as IncomingMessage, reply as ServerResponse, next);
    return undefined;
  }

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse, next?: Next): Promise<void> {
    try {
      const { body: parsed } = incoming as { readonly body?: unknown };
      await respond(incoming, outgoing, { parsed, request: incoming }, (response) => sendResponse(response, outgoing));
    } catch (error) {
      if (next === undefined) await fail(error, outgoing);
      else next(error);
    }
  }

  /** Fastify sends the response itself, so that its hooks see it and the headers of its plugins are in it. */
  function forFastify(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const before = { parsed: request.body, prefix: request.server?.prefix, request };
    return respond(
      request.raw as IncomingMessage,
      reply.raw as ServerResponse,
      before,
      async ({ status, headers, body }) => {
        reply.code(status);
        for (const [name, value] of headers) {
          const others = name === "vary" ? reply.getHeader(name) : undefined;
          reply.header(name, typeof others === "string" ? `${others}, ${value}` : value);
        }
        return reply.send(body ?? undefined);
      },
    );
  }

  function respond<T>(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    before: Before,
    send: (response: Response) => Promise<T>,
  ): Promise<T> {
    return duringRequest(incoming, outgoing, before, async (request, context) =>
      send(
        request instanceof OnbehalfError ? problemResponse(request) : assertResponse(await handler(request, context)),
      ),
    );
  }

  async function fail(error: unknown, outgoing: ServerResponse): Promise<void> {
    onFault(error);
    if (outgoing.headersSent) outgoing.destroy();
    else await sendResponse(problemResponse(error), outgoing);
  }

  return handle;
}

/** By its looks: a framework may have a class of its own. */
function assertResponse(response: unknown): Response {
  if (typeof response === "object" && response !== null && "status" in response && "headers" in response) {
    return response as Response;
  }
  throw new TypeError("the handler given to toNode returned no Response");
}

function warn(error: unknown): void {
  const name = error instanceof Error ? error.name : typeof error;
  process.emitWarning(`the handler given to toNode failed (${name}); give toNode onFault to see why`, {
    type: "OnbehalfWarning",
  });
}
