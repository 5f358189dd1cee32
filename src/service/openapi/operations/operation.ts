/** What is said of an operation, and the parts that several of them share. */
import type { ErrorCode } from "../../../index.ts";

/** What a request may have beside its body. */
export interface Parameter {
  readonly name: string;
  readonly description: string;
  readonly schema: object;
  /** Whether nothing is done without it. Default false. */
  readonly required?: boolean;
}

/** One method at one address. */
export interface Operation {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly path: string;
  readonly id: string;
  readonly tag: "apps" | "callers" | "operators";
  readonly summary: string;
  /** Whether it takes a caller key. Default: where it is for callers. */
  readonly needsKey?: boolean;
  readonly query?: readonly Parameter[];
  /** Headers that it reads, besides those of HTTP itself and those of every address for callers. */
  readonly headers?: readonly Parameter[];
  readonly body?: object;
  /** What an answer with success carries; without a schema, nothing. Absent where the answer of another server is passed on. `status`: 200 by default. */
  readonly answers?: { readonly says: string; readonly schema?: object; readonly status?: 201 | 202 };
  /** Content type of the answer. Default: JSON. */
  readonly media?: string;
  /** Errors that it may answer, besides those of every address of its kind. */
  readonly errors: readonly ErrorCode[];
  /**
   * That it is an endpoint of OAuth: its client says who it is as OAuth has it, and these are its errors, by status. There are
   * no others then.
   */
  readonly oauthErrors?: Readonly<Record<number, readonly string[]>>;
  /** That it takes Security Event Tokens: 400 is then one of these, as RFC 8935 has them. */
  readonly setErrors?: readonly string[];
}

export const text = { type: "string" } as const;

/** Headers that every address for callers reads. */
export const headersOfCallers: readonly Parameter[] = [
  {
    name: "X-Request-Id",
    description: "A UUID by which the audit log names the request. Default: one that the service makes.",
    schema: { ...text, format: "uuid" },
  },
];

/** A schema of the document, by its name. */
export function ref(name: string): object {
  return { $ref: `#/components/schemas/${name}` };
}

/** A body as form or as JSON. */
export function formOrJson(properties: object): object {
  const schema = { type: "object", properties };
  return {
    required: true,
    content: { "application/x-www-form-urlencoded": { schema }, "application/json": { schema } },
  };
}

export const provider: Parameter = {
  name: "provider",
  description: "Chooses the provider where the reference fits several grants.",
  schema: text,
};
export const account: Parameter = {
  name: "account",
  description: "Chooses the account, by its label, where a user of the app has several at one provider.",
  schema: { ...text, maxLength: 512 },
};
/** Errors of whatever names a grant. */
export const refErrors: readonly ErrorCode[] = [
  "invalid_request",
  "grant_not_found",
  "ambiguous_grant",
  "grant_unreadable",
];
