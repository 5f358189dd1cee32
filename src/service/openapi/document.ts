import { statusOf } from "../../core/problem.ts";
import type { ErrorCode } from "../../index.ts";
import { operations } from "./operations.ts";
import type { Operation } from "./operations.ts";
import { schemas } from "./schemas.ts";

/** What any address may answer. */
const always: readonly ErrorCode[] = ["internal_error", "method_not_allowed", "request_too_large"];
/** What an address for callers may answer besides. */
const toCallers: readonly ErrorCode[] = ["forbidden", "store_unavailable", "unauthorized"];

/**
 * The service's routes, for machines; docs/http-api.md is the same for people.
 *
 * @param publicUrl where the service is reached
 * @see OpenAPI Specification 3.1.1
 */
export function openApiDocument(publicUrl: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    paths[operation.path] ??= { parameters: pathParameters(operation.path) };
    Object.assign(paths[operation.path] ?? {}, { [operation.method]: described(operation) });
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Onbehalf",
      version: "1",
      description: "Takes one-time codes in, keeps what people granted, and hands out valid access tokens for it.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: publicUrl }],
    tags: [
      { name: "apps", description: "For the app's own client: phone or browser." },
      { name: "callers", description: "For programs with a caller key." },
      { name: "operators", description: "For whoever runs the service." },
    ],
    paths,
    components: {
      schemas,
      securitySchemes: {
        callerKey: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "obk_…",
          description: "onbehalf callers create NAME",
        },
      },
    },
  };
}

function described({
  id,
  tag,
  summary,
  query = [],
  body,
  answers,
  errors,
  media = "application/json",
}: Operation): object {
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(tag === "callers" ? { security: [{ callerKey: [] }] } : {}),
    ...(query.length === 0 ? {} : { parameters: query.map((parameter) => ({ in: "query", ...parameter })) }),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: {
      ...(answers === undefined
        ? { default: { description: "The API's answer, as it came." } }
        : { 200: { description: answers.says, content: { [media]: { schema: answers.schema } } } }),
      ...refusals([...always, ...(tag === "callers" ? toCallers : []), ...errors]),
    },
  };
}

/** Errors by status, each code an example of its own. */
function refusals(codes: readonly ErrorCode[]): Record<string, object> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of [...new Set(codes)].sort())
    byStatus.set(statusOf(code), [...(byStatus.get(statusOf(code)) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, named]) => [
      String(status),
      {
        description: named.join(", "),
        ...(status === 503
          ? { headers: { "Retry-After": { schema: { type: "integer" }, description: "Seconds." } } }
          : {}),
        content: {
          "application/problem+json": {
            schema: { $ref: "#/components/schemas/Problem" },
            examples: Object.fromEntries(named.map((code) => [code, { value: { status, error: code } }])),
          },
        },
      },
    ]),
  );
}

const known: Readonly<Record<string, string>> = {
  ref: "g_… (a grant's id), sub:{subject} or ext:{external_id}.",
  host: "One of the provider's API hosts, such as www.googleapis.com.",
  path: "The API's path, slashes and all.",
};

function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    description: known[name],
    schema: { type: "string" },
  }));
}
