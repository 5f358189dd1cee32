import { problemOf as problem, problemResponse as response } from "../../index.ts";
import type { Problem } from "../../index.ts";

/** Where the service serves docs/errors.md. */
export const errorsPath = "/docs/errors.md";

/** `problemOf`, with links into this service. */
export function problemOf(error: unknown): Problem {
  return problem(error, errorsPath);
}

/**
 * `problemResponse`, with links into this service.
 *
 * @param requestId by which the log knows the request: what is our fault says it
 */
export function problemResponse(error: unknown, requestId?: () => string): Response {
  const { status, headers, body } = problemOf(error);
  if (status < 500 || requestId === undefined) return response(error, errorsPath);
  return new Response(JSON.stringify({ ...body, request_id: requestId() }), { status, headers });
}
