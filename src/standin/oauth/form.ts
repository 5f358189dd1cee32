import { json, mediaType, noStore } from "../http/messages.ts";
import type { Incoming, Note, Reply } from "../http/messages.ts";

/** RFC 6749 section 5.2: an error body as Google's token endpoint writes them. */
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
    this.description = description;
    this.extra = extra;
    this.note = note;
  }
}

export function badRequest(description: string): OAuthRefusal {
  return new OAuthRefusal(400, "invalid_request", description);
}

/** Runs a handler of the OAuth endpoints: a refusal becomes its error body. */
export function oauth(handle: (request: Incoming) => Reply): (request: Incoming) => Reply {
  return (request) => {
    try {
      return handle(request);
    } catch (error) {
      if (!(error instanceof OAuthRefusal)) throw error;
      const challenge = error.status === 401 && (request.headers.authorization ?? "").startsWith("Basic");
      return json(
        error.status,
        { error: error.error, error_description: error.description, ...error.extra },
        { outcome: error.error, ...error.note },
        {
          ...noStore,
          ...error.headers,
          ...(challenge ? { "www-authenticate": 'Basic realm="https://accounts.google.com/"' } : {}),
        },
      );
    }
  };
}

/**
 * The form in a body. RFC 6749 section 3.2: a parameter may not be repeated; one without a value is kept,
 * because an empty `redirect_uri` says something that a missing one does not.
 */
export function readForm(request: Incoming): Map<string, string> {
  if (mediaType(request.headers) !== "application/x-www-form-urlencoded") {
    throw badRequest("Expected Content-Type application/x-www-form-urlencoded");
  }
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(request.body.toString())) {
    if (form.has(name)) throw badRequest(`Parameter specified more than once: ${name}`);
    form.set(name, value);
  }
  return form;
}
