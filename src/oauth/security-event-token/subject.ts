/** Whom or what an event is about. */
export type SubjectName =
  /** A person, by the issuer and its id for them. */
  | { readonly kind: "person"; readonly iss: string; readonly sub: string }
  /** A person, by the id that whoever sends the event knows them by. */
  | { readonly kind: "opaque"; readonly id: string }
  /** A refresh token: its first 16 characters, or the SHA-512 of its SHA-512, in base64. */
  | { readonly kind: "refresh-token"; readonly form: "prefix" | "digest"; readonly value: string };

export interface EventSubject {
  /** All the names that are understood. An address or a telephone number is none: those change hands. */
  readonly names: readonly SubjectName[];
  /** Whether only a part of what the person has is meant, such as one session or one device. */
  readonly isPartial: boolean;
}

/** How many names of one subject are read. */
const mostAliases = 16;
const longestName = 2_048;

/** Beside `user` in a complex subject, these say that not all of the user is meant. */
const parts = ["session", "device", "application"];

/**
 * Reads a subject identifier, as RFC 9493 has it or as RISC had it before: `subject_type` with hyphens for `format`.
 *
 * @returns undefined where it is none
 * @see https://www.rfc-editor.org/rfc/rfc9493#section-3
 * @see https://openid.net/specs/openid-sharedsignals-framework-1_0.html#section-3
 */
export function readSubject(given: unknown): EventSubject | undefined {
  if (!isObject(given)) return undefined;
  const format = formatOf(given);
  if (format === "aliases") {
    const { identifiers } = given;
    if (!Array.isArray(identifiers) || identifiers.length === 0 || identifiers.length > mostAliases) return undefined;
    const read = identifiers.map((each) => (isAliases(each) ? undefined : readSubject(each)));
    if (!read.every((each) => each !== undefined)) return undefined;
    return { names: read.flatMap(({ names }) => names), isPartial: read.some(({ isPartial }) => isPartial) };
  }
  if (format === "complex") {
    const { user } = given;
    const isPartial = parts.some((part) => given[part] !== undefined);
    if (user === undefined) return { names: [], isPartial: true };
    const whole = isObject(user) && formatOf(user) !== "complex" ? readSubject(user) : undefined;
    return whole === undefined ? undefined : { names: whole.names, isPartial: isPartial || whole.isPartial };
  }
  const name = format === undefined ? undefined : readName(format, given);
  if (name === undefined) return undefined;
  return { names: name === "unresolved" ? [] : [name], isPartial: false };
}

function formatOf(given: Readonly<Record<string, unknown>>): string | undefined {
  const { format, subject_type: older, user } = given;
  const said = format ?? older;
  // Before it had a name of its own, a complex subject was one that has members of its kind.
  if (said === undefined) return isObject(user) ? "complex" : undefined;
  return typeof said === "string" ? said.toLowerCase().replaceAll("-", "_") : undefined;
}

function isAliases(given: unknown): boolean {
  return isObject(given) && formatOf(given) === "aliases";
}

function readName(format: string, given: Readonly<Record<string, unknown>>): SubjectName | "unresolved" | undefined {
  switch (format) {
    case "iss_sub":
    case "id_token_claims": {
      const { iss, sub } = given;
      // Google may name the claims of an ID token without its `sub`.
      if (format === "id_token_claims" && sub === undefined) return "unresolved";
      return isName(iss) && isName(sub) ? { kind: "person", iss, sub } : undefined;
    }
    case "opaque": {
      const { id } = given;
      return isName(id) ? { kind: "opaque", id } : undefined;
    }
    case "oauth_token":
      return readToken(given);
    default:
      // `email`, `phone_number`, `account`, `uri`, `did`, `jwt_id`, and what may come to be.
      return "unresolved";
  }
}

/** @see https://developers.google.com/identity/protocols/risc#supported_event_types */
function readToken(given: Readonly<Record<string, unknown>>): SubjectName | "unresolved" | undefined {
  const { token_type: type, token_identifier_alg: form, token } = given;
  if (!isName(token)) return undefined;
  if (type !== undefined && type !== "refresh_token") return "unresolved";
  if (form === "prefix") return { kind: "refresh-token", form: "prefix", value: token };
  if (form === "hash_base64_sha512_sha512") return { kind: "refresh-token", form: "digest", value: token };
  return "unresolved";
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= longestName;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
