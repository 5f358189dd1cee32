/**
 * node/ joins web-standard handlers to Node's own servers and the frameworks on them: requests in, responses out. What a
 * handler does, and which hosts and limits a server has, do not belong here.
 */
export { toNode } from "./to-node.ts";
export type { FastifyReply, FastifyRequest, NodeHandler, ToNodeOptions, WebHandler } from "./to-node.ts";
export type { NodeContext } from "./web-request.ts";
