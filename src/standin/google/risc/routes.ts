import { bearerOf, json } from "../../http/messages.ts";
import type { Incoming, Reply } from "../../http/messages.ts";
import type { Route } from "../../http/router.ts";
import { securityEvent } from "../control/risc.ts";
import type { GoogleState } from "../state/google-state.ts";

const push = "https://schemas.openid.net/secevent/risc/delivery-method/push";

/** The stream's API, at Google's own paths. */
export function riscRoutes(state: GoogleState): Route[] {
  const { risc, clock } = state;
  const admitted = (request: Incoming, answer: (body: Readonly<Record<string, unknown>>) => Reply): Reply => {
    const flaw = risc.flawOf(bearerOf(request.headers), clock.now());
    if (flaw !== undefined) return refusal(401, "UNAUTHENTICATED", flaw);
    const body = bodyOf(request);
    return body === undefined ? refusal(400, "INVALID_ARGUMENT", "the body must be a JSON object") : answer(body);
  };
  return [
    {
      at: ["/v1beta/stream"],
      GET: (request) =>
        admitted(request, () => {
          const { url, eventsRequested = [] } = risc.configuration ?? {};
          if (url === undefined) return refusal(404, "NOT_FOUND", "no stream is registered for this project");
          return json(200, { delivery: { delivery_method: push, url }, events_requested: eventsRequested });
        }),
    },
    {
      at: ["/v1beta/stream:update"],
      POST: (request) =>
        admitted(request, ({ delivery, events_requested: events }) => {
          const { delivery_method: method, url } = (delivery ?? {}) as Record<string, unknown>;
          if (method !== push || typeof url !== "string") {
            return refusal(400, "INVALID_ARGUMENT", `delivery must have the delivery_method ${push}, and a url`);
          }
          const wanted = Array.isArray(events) ? events.filter((each) => typeof each === "string") : [];
          const flaw = risc.configure({ url, eventsRequested: wanted });
          return flaw === undefined ? json(200, {}) : refusal(400, "INVALID_ARGUMENT", flaw);
        }),
    },
    {
      at: ["/v1beta/stream/status"],
      GET: (request) => admitted(request, () => json(200, { status: risc.status })),
    },
    {
      at: ["/v1beta/stream/status:update"],
      POST: (request) =>
        admitted(request, ({ status }) => {
          if (status !== "enabled" && status !== "disabled") {
            return refusal(400, "INVALID_ARGUMENT", "status must be enabled or disabled");
          }
          risc.changeStatus(status);
          return json(200, {});
        }),
    },
    {
      at: ["/v1beta/stream:verify"],
      POST: (request) =>
        admitted(request, ({ state: text }) => {
          risc.deliver(
            securityEvent(state, { type: "verification", state: typeof text === "string" ? text : "" }, "camel"),
          );
          return json(200, {});
        }),
    },
    { at: ["/standin/service_account.json"], GET: () => json(200, risc.serviceAccount()) },
  ];
}

function bodyOf(request: Incoming): Readonly<Record<string, unknown>> | undefined {
  if (request.body.length === 0) return {};
  try {
    const body: unknown = JSON.parse(request.body.toString());
    return typeof body === "object" && body !== null && !Array.isArray(body)
      ? (body as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function refusal(code: number, status: string, message: string): Reply {
  return json(code, { error: { code, status, message } });
}
