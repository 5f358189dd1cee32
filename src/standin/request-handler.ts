import { defined } from "./defined.ts";
import type { IncomingMessage } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { faultReply, hasAnswer } from "./http/faults.ts";
import type { PlacedFault } from "./http/faults.ts";
import { BodyTooLarge, json, readBody } from "./http/messages.ts";
import type { Incoming, Reply } from "./http/messages.ts";
import { clientHeaders, corsHeaders, preflight, refuseStrangePage } from "./control/origins.ts";
import { noteMembers, requestMembers } from "./state/request-log.ts";
import { handlerOf, methodsOf } from "./http/router.ts";
import type { Match, Router } from "./http/router.ts";
import { writeReply } from "./http/reply-writer.ts";
import type { Answer } from "./http/server.ts";
import type { StandinState } from "./state/standin-state.ts";

const formLimit = 65_536;
const uploadLimit = 32 * 1_048_576;

const controlPrefix = "/standin/";

/**
 * Answers every request by the routes. Control routes answer at once; every other request first meets the faults, and is
 * written to the log.
 */
export function requestHandler(state: StandinState, router: Router): Answer {
  return async (message, response, ending) => {
    const { request, match, tooLarge } = await readRequest(message, router);
    const head = message.method === "HEAD";
    if (request.path.startsWith(controlPrefix)) {
      const reply = controlReply(request, match, tooLarge);
      await writeReply(response, reply, { fault: undefined, head, ending, tooLarge });
      return;
    }
    const fault = state.faults.take(request.method, [request.path, match?.canonical ?? request.path]);
    const pause = fault?.delayMs === undefined ? undefined : () => wait(fault.delayMs, undefined, { signal: ending });
    if (fault?.after !== "answer") await pause?.();
    await match?.route.prepare?.(request);
    const reply = act(state, request, match, tooLarge, fault);
    if (fault?.after === "answer") await pause?.();
    await writeReply(response, reply, { fault, head, ending, tooLarge });
  };
}

async function readRequest(
  message: IncomingMessage,
  router: Router,
): Promise<{ request: Incoming; match: Match | undefined; tooLarge: boolean }> {
  const target = message.url ?? "/";
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const match = router.match(path);
  const body = await readBody(message, path.startsWith("/upload/") ? uploadLimit : formLimit).catch(
    (error: unknown) => {
      if (error instanceof BodyTooLarge) return undefined;
      throw error;
    },
  );
  const request: Incoming = {
    method: message.method === "HEAD" ? "GET" : (message.method ?? "GET"),
    path,
    params: match?.params ?? {},
    query: new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1)),
    headers: message.headers,
    body: body ?? Buffer.alloc(0),
  };
  return { request, match, tooLarge: body === undefined };
}

function controlReply(request: Incoming, match: Match | undefined, tooLarge: boolean): Reply {
  const refusal = refuseStrangePage(request);
  if (refusal !== undefined) return refusal;
  if (request.method === "OPTIONS") return preflight(request);
  const reply = replyTo(request, match, tooLarge);
  return { ...reply, headers: { ...reply.headers, ...corsHeaders(request) } };
}

/** Acts on the request, unless a fault answers instead, and adds it to the log. */
function act(
  state: StandinState,
  request: Incoming,
  match: Match | undefined,
  tooLarge: boolean,
  fault: PlacedFault | undefined,
): Reply {
  const instead = fault === undefined || !hasAnswer(fault) ? undefined : faultReply(fault);
  const acts = fault === undefined || fault.after === "answer" || (instead === undefined && fault.drop !== true);
  const own = acts ? ownReply(request, match, tooLarge) : undefined;
  const reply = instead ?? own ?? { status: 0 };
  state.log.add({
    at: new Date(state.clock.now()).toISOString(),
    ...requestMembers(request),
    status: fault?.drop === true ? 0 : reply.status,
    ...noteMembers(own === undefined ? { outcome: "fault" } : (own.note ?? { outcome: "served" })),
    ...defined({ fault: fault === undefined ? undefined : (true as const) }),
  });
  // By its own clock: a client may compare its clock with ours.
  const date = new Date(state.clock.now()).toUTCString();
  return { ...reply, headers: { date, ...reply.headers } };
}

function ownReply(request: Incoming, match: Match | undefined, tooLarge: boolean): Reply {
  if (match?.route.crossOrigin !== true) return replyTo(request, match, tooLarge);
  if (request.method === "OPTIONS") return { ...preflight(request, clientHeaders), note: { outcome: "preflight" } };
  const reply = replyTo(request, match, tooLarge);
  return { ...reply, headers: { ...reply.headers, ...corsHeaders(request) } };
}

function plain(status: number, message: string, headers: Record<string, string> = {}): Reply {
  return json(status, { error: { code: status, message } }, { outcome: "refused" }, headers);
}

function replyTo(request: Incoming, match: Match | undefined, tooLarge: boolean): Reply {
  if (tooLarge) return plain(413, "Request body too large");
  if (match === undefined) return plain(404, "Not Found");
  const handler = handlerOf(match.route, request.method);
  if (handler === undefined) return plain(405, "Method Not Allowed", { allow: methodsOf(match.route).join(", ") });
  return handler(request);
}
