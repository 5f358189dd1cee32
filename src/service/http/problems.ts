import { problemOf as problem, problemResponse as response } from "../../index.ts";
import type { Problem } from "../../index.ts";

/** Where the service serves docs/errors.md. */
export const errorsPath = "/docs/errors.md";

/** `problemOf`, with links into this service. */
export function problemOf(error: unknown): Problem {
  return problem(error, errorsPath);
}

/** `problemResponse`, with links into this service. */
export function problemResponse(error: unknown): Response {
  return response(error, errorsPath);
}
