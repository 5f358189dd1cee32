import { OnbehalfError, configurationInvalid, invalidRequest, isOnbehalfError } from "../../core/errors.ts";
import { formatOf, textOf } from "./media-type.ts";
import { Parameters, formMembers, jsonMembers } from "./parameters.ts";

/** The largest body of a request with parameters. */
export const bodyLimitBytes: number = 64 * 1024;

/**
 * Reads the parameters in a body: a form, or a JSON object.
 *
 * @throws {OnbehalfError} `request_too_large`
 * @throws {OnbehalfError} `invalid_request`: the body is malformed, or has a parameter twice
 * @throws {OnbehalfError} `configuration_invalid`: the body was read before
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.1
 */
export async function readParameters(request: Request): Promise<Parameters> {
  if (request.bodyUsed) throw bodyUsed();
  const { kind, encoding } = formatOf(request.headers);
  const text = textOf(await readBytes(request), encoding);
  return new Parameters(kind === "form" ? formMembers(text) : jsonMembers(text));
}

/**
 * Reads the text of a body.
 *
 * @param limit the largest body, bytes
 * @throws {OnbehalfError} `request_too_large`
 * @throws {OnbehalfError} `invalid_request`: the body is not UTF-8, or the connection ended too early
 */
export async function readBody(
  request: Pick<Request, "headers" | "body">,
  limit: number = bodyLimitBytes,
): Promise<string> {
  return textOf(await readBytes(request, limit));
}

/**
 * Reads the bytes of a body.
 *
 * @param limit the largest body, bytes
 * @throws {OnbehalfError} `request_too_large`
 * @throws {OnbehalfError} `invalid_request`: the connection ended too early
 */
export async function readBytes(
  request: Pick<Request, "headers" | "body">,
  limit: number = bodyLimitBytes,
): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw tooLarge(limit);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of request.body ?? []) {
      length += chunk.length;
      if (length > limit) throw tooLarge(limit);
      chunks.push(chunk);
    }
  } catch (error) {
    if (isOnbehalfError(error)) throw error;
    throw bodyBrokeOff();
  }
  return Buffer.concat(chunks);
}

/** The app's own server has read the body: no client can do anything about that. */
export function bodyUsed(): OnbehalfError<"configuration_invalid"> {
  return configurationInvalid(
    "this request's body was read before the handler got it",
    "give the handler request.clone() of a request that nobody has read, or read another clone yourself",
  );
}

/** The connection ended before the client's whole body had arrived. That is neither the client's fault nor ours. */
export function bodyBrokeOff(): OnbehalfError<"invalid_request"> {
  return invalidRequest("the connection ended before the whole body had arrived", "send the request again");
}

function tooLarge(limitBytes: number): OnbehalfError<"request_too_large"> {
  return new OnbehalfError("request_too_large", `the body must be at most ${limitBytes} bytes`, {
    hint: "send a smaller body, with only what the documentation names",
    details: { limitBytes },
  });
}
