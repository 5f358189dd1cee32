/**
 * The OpenAPI document: every route of the service with its parameters, bodies and errors, for machines.
 * It describes and decides nothing: a test compares it with the routes of `http/` and with docs/http-api.md.
 */

import type { ErrorCode } from "../../index.ts";
import { defined } from "../../core/defined.ts";
import { statusOf } from "../../core/errors.ts";
import { operations } from "./operations.ts";
import { headersOfCallers } from "./operations/operation.ts";
import type { Operation, Parameter } from "./operations/operation.ts";
import { schemas } from "./schemas.ts";

/** Errors that every address may answer. */
const errorsOfAll: readonly ErrorCode[] = ["internal_error", "method_not_allowed", "request_too_large"];
/** Errors that every address for callers may answer besides. */
const errorsToCallers: readonly ErrorCode[] = ["forbidden", "store_unavailable", "unauthorized"];

/**
 * The service's routes for machines. docs/http-api.md describes the same routes for people.
 *
 * @param publicUrl the URL by which the service is reached
 * @see {@link https://spec.openapis.org/oas/v3.1.1.html | OpenAPI Specification 3.1.1}
 */
export function openApiDocument(publicUrl: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    paths[operation.path] ??= { parameters: pathParameters(operation.path) };
    Object.assign(paths[operation.path] ?? {}, { [operation.method]: operationObject(operation) });
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Onbehalf",
      version: "1",
      description:
        "Takes one-time codes in, keeps the grants that people gave, and hands out valid access tokens for them.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: publicUrl }],
    tags: [
      { name: "apps", description: "For the app on a phone or in a browser." },
      { name: "callers", description: "For programs that have a caller key." },
      { name: "operators", description: "For the people who run the service." },
    ],
    paths,
    components: {
      schemas,
      securitySchemes: {
        callerKey: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "obk_… or obs_…",
          description:
            "A caller key, made with onbehalf callers create NAME --allow …; or the key of a session, made with POST /v1/sessions.",
        },
        oauthClient: {
          type: "http",
          scheme: "basic",
          description:
            "A caller's name or id, and its key, as client_id and client_secret: by HTTP Basic or in the body (RFC 6749 section 2.3.1).",
        },
      },
    },
  };
}

function operationObject({
  id,
  tag,
  summary,
  query = [],
  headers = [],
  body,
  answers,
  errors,
  needsKey = tag === "callers",
  media = "application/json",
  oauthErrors,
  setErrors,
}: Operation): object {
  const parameters = [
    ...parametersIn("query", query),
    ...parametersIn("header", [...(tag === "callers" ? headersOfCallers : []), ...headers]),
  ];
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(needsKey ? { security: [oauthErrors === undefined ? { callerKey: [] } : { oauthClient: [] }] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...defined({ requestBody: body }),
    responses: {
      ...(answers === undefined
        ? { default: { description: "The answer of the API, passed on as it came." } }
        : {
            [answers.status ?? 200]: {
              description: answers.says,
              ...(answers.schema === undefined ? {} : { content: { [media]: { schema: answers.schema } } }),
            },
          }),
      ...(oauthErrors === undefined
        ? errorResponses([...errorsOfAll, ...(tag === "callers" ? errorsToCallers : []), ...errors])
        : oauthResponses(oauthErrors)),
      ...(setErrors === undefined ? {} : namedErrors({ 400: setErrors }, "SetError", "err")),
    },
  };
}

function parametersIn(place: "query" | "header", parameters: readonly Parameter[]): object[] {
  return parameters.map(({ name, required, description, schema }) => ({
    name,
    in: place,
    ...defined({ required }),
    description,
    schema,
  }));
}

/** Errors by status, each code an example of its own. */
function errorResponses(codes: readonly ErrorCode[]): Record<string, object> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of [...new Set(codes)].sort())
    byStatus.set(statusOf(code), [...(byStatus.get(statusOf(code)) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, codesOfStatus]) => [
      String(status),
      {
        description: codesOfStatus.join(", "),
        ...(status === 503 ? retryAfter : {}),
        content: {
          "application/problem+json": {
            schema: { $ref: "#/components/schemas/Problem" },
            examples: Object.fromEntries(codesOfStatus.map((code) => [code, { value: { status, error: code } }])),
          },
        },
      },
    ]),
  );
}

/** Errors as RFC 6749 section 5.2 has them. */
function oauthResponses(byStatus: Readonly<Record<number, readonly string[]>>): Record<string, object> {
  return namedErrors(byStatus, "OAuthError", "error");
}

function namedErrors(
  byStatus: Readonly<Record<number, readonly string[]>>,
  schema: string,
  member: string,
): Record<string, object> {
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, codes]) => [
      status,
      {
        description: codes.join(", "),
        ...(status === "503" ? retryAfter : {}),
        content: {
          "application/json": {
            schema: { $ref: `#/components/schemas/${schema}` },
            examples: Object.fromEntries(codes.map((error) => [error, { value: { [member]: error } }])),
          },
        },
      },
    ]),
  );
}

const retryAfter = { headers: { "Retry-After": { schema: { type: "integer" }, description: "Seconds to wait." } } };

const parameterDescriptions: Readonly<Record<string, string>> = {
  ref: "Which grant: its id (g_…), sub:{subject} or ext:{external_id}.",
  session_id: "The id of a session, as it was made.",
  host: "One of the provider's API hosts, such as www.googleapis.com.",
  path: "The path at that host, slashes included.",
  handle_id: "Which handle: its id.",
  page: "The page's path, such as errors.md or specs/rfc9700.md, slashes included.",
};

function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    description: parameterDescriptions[name],
    schema: { type: "string" },
  }));
}
