/** The service's problem details as the error that an embedded vault throws. */
import { OnbehalfError, statusOf } from "../core/errors.ts";
import type { ErrorCode, ErrorDetails } from "../core/errors.ts";

/** What is known of the answer that an error came in. */
export interface ErrorContext {
  readonly status: number;
  /** 0: the answer does not say. */
  readonly retryAfterMs: number;
  readonly requestId: string;
  /** When it came. */
  readonly at: Date;
}

/** An error of the service. `requestId` is that of the service's audit log. */
export class ServiceError<C extends ErrorCode = ErrorCode> extends OnbehalfError<C> {
  readonly requestId: string;
  readonly #status: number;

  constructor(
    code: C,
    message: string,
    more: { hint: string; details: ErrorDetails[C]; status: number; requestId: string; cause?: unknown },
  ) {
    super(code, message, more);
    this.requestId = more.requestId;
    this.#status = more.status;
  }

  override get status(): number {
    return this.#status;
  }
}

/** The codes whose details have members that must be there. */
type Detailed = { [C in ErrorCode]: object extends ErrorDetails[C] ? never : C }[ErrorCode];

/** What details have at least. A newer or older service may leave out what this version's programs rely on. */
const least: { readonly [C in Detailed]: (context: ErrorContext) => ErrorDetails[C] } = {
  csrf_rejected: () => ({ rule: "origin" }),
  ambiguous_grant: () => ({ accounts: [], grantIds: [], providers: [] }),
  external_id_conflict: () => ({ account: "" }),
  reauthorization_required: ({ at }) => ({ grantId: "", since: at, reason: "invalid_grant" }),
  deposit_refused: () => ({ providerError: "" }),
  deposit_outcome_unknown: ({ at }) => ({ sentAt: at }),
  id_token_invalid: () => ({ check: "" }),
  events_missed: () => ({ oldest: 0, newest: 0, readOnAfter: 0 }),
  connect_failed: () => ({ reason: "" }),
  too_many_sessions: () => ({ limit: 0 }),
  ticket_invalid: () => ({ reason: "unknown" }),
  host_not_allowed: () => ({ host: "", allowed: [] }),
  request_too_large: () => ({ limitBytes: 0 }),
  insufficient_scope: () => ({ grantId: "", missingScopes: [], grantedScopes: [] }),
  client_misconfigured: () => ({ issuer: "", clientId: "", providerError: "" }),
  provider_unavailable: ({ retryAfterMs }) => ({ issuer: "", retryAfterMs }),
  store_unavailable: ({ retryAfterMs }) => ({ retryAfterMs }),
  keeper_unavailable: ({ retryAfterMs }) => ({ retryAfterMs }),
  service_unavailable: ({ retryAfterMs }) => ({ retryAfterMs }),
  configuration_invalid: () => ({ problems: [] }),
  method_not_allowed: () => ({ allow: [] }),
};

/** The members of problem details that are no details of ours. */
const standard = new Set([
  "type",
  "title",
  "status",
  "detail",
  "instance",
  "error",
  "error_description",
  "hint",
  "error_uri",
]);

/** The longest text of an answer that becomes part of an error. */
const longestText = 2_000;

/**
 * The error that problem details tell of. A code that this version does not know keeps its name, its status and its details: a
 * program that asks for codes it knows passes over it.
 *
 * @returns undefined where these are no problem details of the service
 * @see https://www.rfc-editor.org/rfc/rfc9457#section-3
 */
export function errorOf(body: unknown, context: ErrorContext): OnbehalfError | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const members = body as Readonly<Record<string, unknown>>;
  const code = members["error"];
  if (typeof code !== "string" || !/^[a-z][a-z\d_]{0,63}$/.test(code)) return undefined;
  const message = text(members["error_description"]) ?? text(members["detail"]) ?? `the service answered ${code}`;
  const known = code as ErrorCode;
  const status: unknown = statusOf(known);
  const given = detailsOf(members);
  const required = Object.hasOwn(least, code) ? least[known as Detailed](context) : {};
  return new ServiceError(known, message, {
    hint: text(members["hint"]) ?? "look at the service's documentation for this code",
    details: typeof status === "number" ? withLeast(given, required) : unknownDetails(given, context),
    status: typeof status === "number" ? status : context.status,
    requestId: context.requestId,
  });
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value.slice(0, longestText) : undefined;
}

/** Details in the spelling of the library, with times as `Date`s. */
function detailsOf(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members)
      .filter(([name]) => !standard.has(name))
      .map(([name, value]) => [camelCase(name), detail(name, value)]),
  );
}

function detail(name: string, value: unknown): unknown {
  if (typeof value === "string" && /(?:_at|_before|_until|^since|^at)$/.test(name)) {
    const time = new Date(value);
    return Number.isNaN(time.getTime()) ? value : time;
  }
  if (!Array.isArray(value)) return value;
  return value.map((each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? detailsOf(each as Record<string, unknown>)
      : each,
  );
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z\d])/g, (_, letter: string) => letter.toUpperCase());
}

/** What was given, where it is of the same kind as what must be there at least. */
function withLeast<T extends object>(given: Readonly<Record<string, unknown>>, required: T): T {
  const kept = Object.entries(required).map(([name, value]) => [
    name,
    isAlike(given[name], value) ? given[name] : value,
  ]);
  return { ...given, ...(Object.fromEntries(kept) as T) };
}

function isAlike(given: unknown, value: unknown): boolean {
  if (value instanceof Date) return given instanceof Date;
  return Array.isArray(value) ? Array.isArray(given) : typeof given === typeof value && !Array.isArray(given);
}

function unknownDetails(given: Record<string, unknown>, { retryAfterMs }: ErrorContext): object {
  return retryAfterMs > 0 ? { ...given, retryAfterMs } : given;
}
