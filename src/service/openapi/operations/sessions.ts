/** The operations by which a caller makes, lists and ends its sessions. */
import { permissions } from "../../../vault/http/caller.ts";
import { mostSessions, sessionSeconds } from "../../../core/session.ts";
import { formOrJson, ref, text } from "./operation.ts";
import type { Operation } from "./operation.ts";

const list = { oneOf: [text, { type: "array", items: text }] };

export const sessionOperations: readonly Operation[] = [
  {
    method: "post",
    path: "/v1/sessions",
    id: "create_session",
    tag: "callers",
    summary: `Make a key for minutes or hours that may do no more than the caller itself. At most ${mostSessions} live at once.`,
    body: formOrJson({
      allow: {
        ...list,
        description: `What it may do, of what the caller may: ${permissions.filter((each) => !/^(?:sessions|handles)$/.test(each)).join(", ")}.`,
      },
      grants: {
        ...list,
        description: "Which grants it may do that with, each within the caller's: ext:VALUE, ext:PREFIX*, g_… or *.",
      },
      providers: { ...list, description: "The providers whose grants it may see. Default: those of the caller." },
      scopes: {
        ...list,
        description:
          "What its tokens may be used for at most: it gets none of a grant that covers more, but for openid, email and profile. Default: no limit. May be named `scope` instead.",
      },
      expires_in: {
        type: "integer",
        minimum: sessionSeconds.least,
        maximum: sessionSeconds.most,
        default: sessionSeconds.usual,
        description: "How long it lasts, seconds. It never outlives the caller's key.",
      },
    }),
    answers: {
      says: "The session and its key, which is shown here and never again.",
      schema: ref("NewSession"),
      status: 201,
    },
    errors: ["invalid_request", "too_many_sessions"],
  },
  {
    method: "get",
    path: "/v1/sessions",
    id: "list_sessions",
    tag: "callers",
    summary: "The caller's sessions that have not ended, those first that end first. Without their keys.",
    query: [
      {
        name: "limit",
        description: "The most sessions to return.",
        schema: { type: "integer", minimum: 1, maximum: 500, default: 100 },
      },
      { name: "cursor", description: "The `cursor` of the page before.", schema: text },
    ],
    answers: { says: "A page of sessions.", schema: ref("SessionPage") },
    errors: ["invalid_request"],
  },
  {
    method: "delete",
    path: "/v1/sessions/{session_id}",
    id: "end_session",
    tag: "callers",
    summary: "End one of the caller's sessions. Every process refuses its key within a second.",
    answers: { says: "It has ended.", schema: ref("EndedSession") },
    errors: ["invalid_request", "session_not_found"],
  },
];
