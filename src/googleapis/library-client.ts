/**
 * What is used of google-auth-library's `OAuth2Client`, versions 9 to 11. Written down here instead of imported: a program
 * that does not use that library compiles without it, and one that does may have any of these versions.
 */

/** What the library keeps of a token. Times are milliseconds since the epoch. */
export interface LibraryCredentials {
  access_token?: string | null;
  refresh_token?: string | null;
  token_type?: string | null;
  expiry_date?: number | null;
  scope?: string;
}

/** The parts of an `OAuth2Client` that our subclass calls or replaces. In the library's types some are protected. */
export interface LibraryClient {
  credentials: LibraryCredentials;
  emit(event: "tokens", tokens: LibraryCredentials): boolean;
  /** Where the library makes the headers of each request to an API, whatever way the request takes. */
  getRequestMetadataAsync(url?: unknown): Promise<unknown>;
  isTokenExpiring(): boolean;
  /** Nothing is returned where there is a callback. */
  request(options: LibraryRequest, callback?: Callback): Promise<unknown> | undefined;
}

/** A request as the library takes it. It sets the header `authorization` in it. */
export interface LibraryRequest {
  headers?: ConstructorParameters<typeof Headers>[0];
  data?: unknown;
  body?: unknown;
  multipart?: readonly { readonly content?: unknown }[];
}

/** The class itself, of any version: what `import { OAuth2Client } from "google-auth-library"` brings. */
export type OAuth2ClientClass = abstract new (...args: never[]) => object;

/** How the library's constructor is called. */
export type LibraryClientClass = new (options: object) => LibraryClient;

/** A callback as the library's older style has it. */
export type Callback = (error: unknown, result?: unknown) => void;

/**
 * Answers in the style that the caller chose: with a promise, or by its callback and with nothing.
 *
 * @param result what of the value the callback is given; all by default
 */
export function answer<T>(
  work: Promise<T>,
  reply: Callback | undefined,
  result: (value: T) => unknown = (value) => value,
): Promise<T> | undefined {
  if (reply === undefined) return work;
  work.then((value) => reply(null, result(value)), reply);
  return undefined;
}

/** The token that a request was sent with. Versions differ in what they make of the headers. */
export function sentToken({ headers }: LibraryRequest): string | undefined {
  return /^Bearer (.+)$/i.exec(new Headers(headers).get("authorization") ?? "")?.[1];
}

/** Whether a request can be sent twice: no part of it is a stream, which the first time has used up. */
export function isRepeatable({ data, body, multipart = [] }: LibraryRequest): boolean {
  return ![data, body, ...multipart.map(({ content }) => content)].some(isStream);
}

function isStream(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Symbol.asyncIterator in value || "pipe" in value;
}

/** Whether an API has refused the token. The library makes an error of every answer that is none of success. */
export function isRefused(error: unknown): boolean {
  return responseOf(error)?.status === 401;
}

/** The answer that an error is made of, where it is made of one. */
export function responseOf(error: unknown): { readonly status?: unknown } | undefined {
  return (error as { readonly response?: { readonly status?: unknown } } | undefined)?.response;
}
