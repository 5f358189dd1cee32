import { json, mediaType, noStore } from "./messages.ts";
import type { Incoming, Note, Reply } from "./messages.ts";

/**
 * A description in the characters that `error_description` may have (RFC 6749 section 5.2): what it repeats of a request
 * may have others.
 */
export function plainDescription(text: string): string {
  return text.replaceAll('"', "'").replaceAll(/[^\x20-\x5b\x5d-\x7e]/g, "?");
}

/** A refusal of an OAuth endpoint (RFC 6749 section 5.2). */
export class OAuthRefusal extends Error {
  override readonly name = "OAuthRefusal";
  readonly status: number;
  readonly error: string;
  readonly description: string;
  readonly extra: Readonly<Record<string, string>>;
  /** Headers of its answer. */
  headers: Readonly<Record<string, string>> = {};
  /** Who was concerned, and what to call it in the log where that is not the error's name. */
  note: Partial<Note>;

  constructor(status: number, error: string, description: string, extra: Record<string, string> = {}, note = {}) {
    super(`${error}: ${description}`);
    this.status = status;
    this.error = error;
    this.description = plainDescription(description);
    this.extra = extra;
    this.note = note;
  }
}

export function badRequest(description: string): OAuthRefusal {
  return new OAuthRefusal(400, "invalid_request", description);
}

/**
 * Runs a handler of the OAuth endpoints: a refusal becomes its error body.
 *
 * @param issuer the realm of the challenge to who failed with a Basic header
 */
export function oauth(issuer: string, handle: (request: Incoming) => Reply): (request: Incoming) => Reply {
  return (request) => {
    try {
      return handle(request);
    } catch (error) {
      if (!(error instanceof OAuthRefusal)) throw error;
      return refusalReply(error, request, issuer);
    }
  };
}

function refusalReply(refusal: OAuthRefusal, request: Incoming, issuer: string): Reply {
  const { status, error, description, extra, note, headers } = refusal;
  const challenge = status === 401 && /^Basic\b/i.test(request.headers.authorization ?? "");
  return json(
    status,
    { error, error_description: description, ...extra },
    { outcome: error, ...note },
    { ...noStore, ...headers, ...(challenge ? { "www-authenticate": `Basic realm="${issuer}"` } : {}) },
  );
}

/**
 * The form in a body. RFC 6749 section 3.2: a parameter may not be repeated; one without a value is kept,
 * because an empty `redirect_uri` says something that a missing one does not.
 *
 * @param repeatable the parameters that may be repeated all the same; of these the first value is kept
 * @throws {OAuthRefusal} `invalid_request`
 */
export function readForm(request: Incoming, repeatable: readonly string[] = []): Map<string, string> {
  if (mediaType(request.headers) !== "application/x-www-form-urlencoded") {
    throw badRequest("Expected Content-Type application/x-www-form-urlencoded");
  }
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(request.body.toString())) {
    if (!form.has(name)) form.set(name, value);
    else if (!repeatable.includes(name)) throw badRequest(`Parameter specified more than once: ${name}`);
  }
  return form;
}
