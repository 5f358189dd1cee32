import { OnbehalfError, isOnbehalfError } from "../core/errors.ts";

/**
 * An answer of Google's token endpoint that refuses a refresh token, as far as programs and the library look at it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-5.2
 */
interface RefusedAnswer {
  readonly status: 400;
  readonly statusText: "Bad Request";
  /** Empty. The library looks into it at every error that has an answer. */
  readonly config: object;
  readonly data: { readonly error: "invalid_grant"; readonly error_description: string };
}

/**
 * The same error, so that a program written for the library finds in it what it looks for: that the person must consent
 * again is `invalid_grant` there, as the whole message and in `response.data.error`. Every other error is as it was.
 */
export function asLibraryError(error: unknown): unknown {
  if (!isOnbehalfError(error, "reauthorization_required")) return error;
  const { hint, details, message } = error;
  const response: RefusedAnswer = {
    status: 400,
    statusText: "Bad Request",
    config: {},
    data: { error: "invalid_grant", error_description: message },
  };
  const said = new OnbehalfError("reauthorization_required", "invalid_grant", { hint, details, cause: error });
  return Object.assign(said, { response });
}
