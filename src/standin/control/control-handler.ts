import { json, mediaType } from "../http/messages.ts";
import type { Handler, Incoming, Reply } from "../http/messages.ts";
import { BadInput, snakeCase } from "../input-checks.ts";

/** An object with its member names in snake_case, as JSON has them. */
export function snakeCased(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [snakeCase(name), member]));
}

/**
 * The JSON of a control request; nothing is an empty object.
 *
 * @throws {BadInput} where it is something else
 */
export function bodyOf(request: Incoming): unknown {
  if (request.body.length === 0) return {};
  if (mediaType(request.headers) === "application/x-www-form-urlencoded") {
    throw new BadInput("the body must be JSON, with Content-Type application/json");
  }
  try {
    return JSON.parse(request.body.toString());
  } catch {
    throw new BadInput("the body must be valid JSON");
  }
}

/**
 * Answers bad input with a 400 that names the member: it is a mistake in the test.
 *
 * @param parameters what may stand in the query. Anything else is named: a body's members in the query would be ignored
 */
export function control(handle: (request: Incoming) => unknown, parameters: readonly string[] = []): Handler {
  return (request): Reply => {
    try {
      refuseUnknownQuery(request.query, parameters);
      return json(200, handle(request));
    } catch (error) {
      if (!(error instanceof BadInput)) throw error;
      return json(400, { error: "invalid_request", error_description: error.message });
    }
  };
}

function refuseUnknownQuery(query: URLSearchParams, parameters: readonly string[]): void {
  for (const name of query.keys()) {
    if (!parameters.includes(name)) {
      const known = parameters.length === 0 ? "there are none" : `there is ${parameters.join(", ")}`;
      throw new BadInput(`unknown query parameter ${JSON.stringify(name)}: ${known}; a POST takes its members as JSON`);
    }
    if (query.getAll(name).length > 1) throw new BadInput(`the query parameter ${name} must be given once`);
  }
}
