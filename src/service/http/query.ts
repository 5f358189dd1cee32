import type { Context } from "hono";
import { invalidRequest } from "../../core/errors.ts";
import { looksLikeSecret } from "../../core/secret-likeness.ts";
import { formOf } from "../../vault/http/parameters.ts";
import { operations } from "../openapi/operations.ts";

/** The query parameters that each address takes, as the description of the service lists them. */
const known: ReadonlyMap<string, readonly string[]> = new Map(
  operations.map(({ method, path, query = [] }) => [`${method} ${path}`, query.map(({ name }) => name)]),
);

/**
 * The query of a request.
 *
 * @throws {OnbehalfError} `invalid_request`: a parameter is there twice
 */
export function queryOf({ req }: Context): ReadonlyMap<string, string> {
  return formOf(new URL(req.url).search);
}

/**
 * Refuses a query parameter that the address does not take. A mistyped one would be ignored: `?extenal_id=` lists
 * everybody's grants, and `?min_ttl=` gives a token that ends sooner than was meant.
 *
 * @param method of the operation; HEAD is a GET
 * @param path as the router writes it: `/v1/grants/:ref`
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` names it
 */
export function assertKnownQuery(context: Context, method: string, path: string): void {
  const allowed = known.get(`${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, "{$1}")}`) ?? [];
  for (const name of queryOf(context).keys()) {
    if (allowed.includes(name)) continue;
    // A token that somebody put into the address is not said back: answers are logged in many places.
    const isPlain = /^[\w.-]{1,64}$/.test(name) && !looksLikeSecret(name);
    throw invalidRequest(
      `${isPlain ? name : "a name in the query"} is no query parameter of this address`,
      allowed.length === 0 ? "send it without a query" : `use ${allowed.join(", ")}`,
      isPlain ? name : undefined,
    );
  }
}
