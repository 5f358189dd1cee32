import { bearerOf, json } from "../http/messages.ts";
import type { Handler, Incoming, Reply } from "../http/messages.ts";
import { published } from "../http/published.ts";
import type { Route } from "../http/router.ts";
import { ssfEvent } from "./security-event.ts";
import { eventsSupported } from "./ssf-event-types.ts";
import type { OAuth2State } from "./oauth2-state.ts";
import { push } from "./ssf-transmitter.ts";
import type { Stream, StreamRequest, StreamStatus } from "./ssf-transmitter.ts";

type Members = Readonly<Record<string, unknown>>;

/**
 * How a receiver asks for security events, and looks after its stream.
 *
 * @see {@link https://openid.net/specs/openid-sharedsignals-framework-1_0.html#section-8 | OpenID Shared Signals Framework 1.0, section 8}
 */
export function ssfRoutes(state: OAuth2State): Route[] {
  const { ssf, url, issuer } = state;
  const shown = (stream: Stream): Members => ({
    stream_id: stream.id,
    iss: issuer,
    aud: ssf.audience,
    delivery: { method: push, endpoint_url: stream.url },
    events_supported: eventsSupported,
    events_requested: stream.eventsRequested,
    events_delivered: ssf.eventsDelivered(stream),
    ...(stream.description === undefined ? {} : { description: stream.description }),
  });
  /** Only the receiver, and only about its stream. */
  const admitted =
    (handle: (body: Members, request: Incoming) => Reply): Handler =>
    (request) => {
      if (bearerOf(request.headers) !== ssf.token) {
        return refusal(401, "the bearer token of the receiver is missing or wrong", { "www-authenticate": "Bearer" });
      }
      const body = bodyOf(request);
      return body === undefined ? refusal(400, "the body must be a JSON object") : handle(body, request);
    };
  const ofStream = (handle: (stream: Stream, body: Members) => Reply): Handler =>
    admitted((body, { query, method }) => {
      const id = method === "POST" || method === "PATCH" ? body["stream_id"] : query.get("stream_id");
      const { stream } = ssf;
      return stream === undefined || stream.id !== id
        ? refusal(404, "there is no stream with this id")
        : handle(stream, body);
    });
  return [
    {
      at: ["/.well-known/ssf-configuration"],
      GET: published(() => ({
        spec_version: "1_0",
        issuer,
        jwks_uri: `${url}/ssf/jwks.json`,
        delivery_methods_supported: [push],
        configuration_endpoint: `${url}/ssf/streams`,
        status_endpoint: `${url}/ssf/status`,
        verification_endpoint: `${url}/ssf/verification`,
        authorization_schemes: [{ spec_urn: "urn:ietf:rfc:6750" }],
        default_subjects: "ALL",
      })),
    },
    { at: ["/ssf/jwks.json"], GET: published(() => ssf.keys.jwks()) },
    {
      at: ["/ssf/streams"],
      GET: admitted((_body, { query }) => {
        const { stream } = ssf;
        const id = query.get("stream_id");
        if (id === null) return json(200, stream === undefined ? [] : [shown(stream)]);
        return stream?.id === id ? json(200, shown(stream)) : refusal(404, "there is no stream with this id");
      }),
      POST: admitted((body) => {
        if (ssf.stream !== undefined) return refusal(409, "this receiver has a stream, and may have one only");
        const request = requestIn(body);
        if (typeof request === "string") return refusal(400, request);
        const flaw = ssf.create(request);
        return flaw === undefined && ssf.stream !== undefined ? json(201, shown(ssf.stream)) : refusal(400, flaw ?? "");
      }),
      PATCH: ofStream((_stream, body) => {
        const changes = changesIn(body);
        const flaw = typeof changes === "string" ? changes : ssf.change(changes);
        return flaw === undefined && ssf.stream !== undefined ? json(200, shown(ssf.stream)) : refusal(400, flaw ?? "");
      }),
      DELETE: ofStream(() => {
        ssf.end();
        return { status: 204 };
      }),
    },
    {
      at: ["/ssf/status"],
      GET: ofStream(({ id, status }) => json(200, { stream_id: id, status })),
      POST: ofStream(({ id }, { status }) => {
        if (!isStatus(status)) return refusal(400, "status must be enabled, paused or disabled");
        ssf.setStatus(status);
        return json(200, { stream_id: id, status });
      }),
    },
    {
      at: ["/ssf/verification"],
      POST: ofStream((_stream, { state: text }) => {
        const event = typeof text === "string" ? { state: text } : {};
        ssf.deliver(ssfEvent(state, { type: "verification", event }, "camel"));
        return { status: 204 };
      }),
    },
  ];
}

function isStatus(value: unknown): value is StreamStatus {
  return value === "enabled" || value === "paused" || value === "disabled";
}

/** @returns what is wrong with it */
function requestIn(body: Members): StreamRequest | string {
  const { delivery, description } = body;
  const changes = changesIn({ events_requested: [], ...body, delivery: delivery ?? {} });
  if (typeof changes === "string") return changes;
  const { url = "", authorization, eventsRequested = [] } = changes;
  return {
    url,
    authorization,
    eventsRequested,
    description: typeof description === "string" ? description : undefined,
  };
}

function changesIn({ delivery, events_requested: events }: Members): Partial<StreamRequest> | string {
  const changes: { url?: string; authorization?: string; eventsRequested?: readonly string[] } = {};
  if (delivery !== undefined) {
    const { method, endpoint_url: url, authorization_header: authorization } = (delivery ?? {}) as Members;
    if (method !== push || typeof url !== "string") return `delivery must have the method ${push}, and an endpoint_url`;
    changes.url = url;
    if (typeof authorization === "string") changes.authorization = authorization;
  }
  if (events !== undefined) {
    if (!Array.isArray(events) || !events.every((each) => typeof each === "string")) {
      return "events_requested must be a list of URIs";
    }
    changes.eventsRequested = events;
  }
  return changes;
}

function bodyOf(request: Incoming): Members | undefined {
  if (request.body.length === 0) return {};
  try {
    const body: unknown = JSON.parse(request.body.toString());
    return typeof body === "object" && body !== null && !Array.isArray(body) ? (body as Members) : undefined;
  } catch {
    return undefined;
  }
}

function refusal(status: number, description: string, headers?: Record<string, string>): Reply {
  return json(
    status,
    { err: status === 401 ? "authentication_failed" : "invalid_request", description },
    undefined,
    headers,
  );
}
