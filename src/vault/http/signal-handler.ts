import { OnbehalfError, isOnbehalfError } from "../../core/errors.ts";
import { problemResponse } from "../../core/problem.ts";
import { longestSet } from "../../oauth/security-event-token/verify.ts";
import type { SetError } from "../../oauth/security-event-token/verify.ts";
import type { SignalResult } from "../signals/signals.ts";
import { bodyUsed, readBody } from "./request-body.ts";

/** A web-standard request handler for `POST /risc`. It never throws. */
export type SignalHandler = (request: Request) => Promise<Response>;

/**
 * How many tokens one handler verifies and acts upon at once: more are told to come again. A body that is still coming does not
 * count, or whoever sends slowly would turn transmitters away.
 */
const mostUnderWay = 64;

/**
 * Makes the handler that takes security events from providers.
 *
 * @param errorsUrl where docs/errors.md is to be found
 * @param onFault is told of unexpected errors
 * @see https://www.rfc-editor.org/rfc/rfc8935#section-2
 */
export function signalHandler(
  take: (token: string) => Promise<SignalResult>,
  errorsUrl?: string,
  onFault?: (error: unknown) => void,
): SignalHandler {
  let underWay = 0;
  return async (request) => {
    try {
      return await answer(request);
    } catch (error) {
      if (isOnbehalfError(error, "request_too_large") || isOnbehalfError(error, "invalid_request")) {
        return refusal("invalid_request", error.message);
      }
      if (!isOnbehalfError(error)) onFault?.(error);
      return problemResponse(error, errorsUrl);
    }
  };

  async function answer(request: Request): Promise<Response> {
    if (request.method !== "POST") {
      throw new OnbehalfError("method_not_allowed", "a security event must be sent with POST", {
        hint: "send a POST request",
        details: { allow: ["POST"] },
      });
    }
    const type = request.headers.get("content-type") ?? "";
    if (!/^\s*application\/secevent\+jwt\s*(?:;|$)/i.test(type)) {
      return refusal("invalid_request", "Content-Type must be application/secevent+jwt");
    }
    if (request.bodyUsed) throw bodyUsed();
    const token = (await readBody(request, longestSet)).trim();
    if (underWay >= mostUnderWay) throw tooMany();
    underWay += 1;
    const result = await take(token).finally(() => (underWay -= 1));
    if (result.kind === "refused") return refusal(result.err, result.description);
    return new Response(null, { status: 202, headers: { "cache-control": "no-store" } });
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc8935#section-2.3 */
function refusal(err: SetError, description: string): Response {
  const headers = { "cache-control": "no-store", "content-language": "en" };
  return Response.json({ err, description }, { status: 400, headers });
}

function tooMany(): OnbehalfError<"store_unavailable"> {
  return new OnbehalfError("store_unavailable", "too many security events are under way", {
    hint: "send the same event again",
    details: { retryAfterMs: 1_000 },
  });
}
