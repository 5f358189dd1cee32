/** Callers and their sessions, by the rules of `onbehalf callers` and `onbehalf sessions`. A key is in one answer, once. */
import type { Caller, Session } from "../../../index.ts";
import { defined } from "../../../core/defined.ts";
import { OnbehalfError, invalidRequest } from "../../../core/errors.ts";
import { permissions } from "../../../vault/http/callers.ts";
import type { Parameters } from "../../../vault/http/parameters.ts";
import { callerBody, sessionBody, wholeNumber } from "../json-bodies.ts";
import { sessionOptions } from "../routes/sessions.ts";
import type { Asked, DashboardRoute } from "./asked.ts";

/** The longest time that a key may be given, and that an old one may work on, seconds. */
const longestSeconds = 315_360_000;

export const callerRoutes: readonly DashboardRoute[] = [
  { method: "GET", path: "/callers", needs: "reader", answer: list },
  { method: "POST", path: "/callers", needs: "operator", answer: create },
  { method: "POST", path: "/callers/{caller_id}/rotate", needs: "operator", answer: rotate },
  { method: "POST", path: "/callers/{caller_id}/narrow", needs: "operator", answer: narrow },
  { method: "DELETE", path: "/callers/{caller_id}", needs: "operator", answer: revoke },
  { method: "POST", path: "/callers/{caller_id}/sessions", needs: "operator", answer: createSession },
  { method: "DELETE", path: "/callers/{caller_id}/sessions", needs: "operator", answer: revokeSessions },
  { method: "GET", path: "/sessions", needs: "reader", query: ["caller", "limit", "cursor"], answer: listSessions },
  { method: "DELETE", path: "/sessions/{session_id}", needs: "operator", answer: revokeSession },
];

async function list({ vault }: Asked): Promise<object> {
  const callers = await vault.callers.list();
  return { callers: callers.map(callerBody), permissions };
}

async function create({ vault, body }: Asked): Promise<object> {
  const sent = await body();
  const name = sent.get("name");
  if (name === undefined) throw invalidRequest("name is missing", "send the caller's name", "name");
  const allow = sent.list("allow");
  if (allow === undefined || allow.length === 0) {
    throw invalidRequest(
      "allow must be sent, with one entry at least: a key may do only what is named",
      `send what the program needs of ${permissions.join(", ")}`,
      "allow",
    );
  }
  const { caller, key } = await vault.callers.create(name, {
    // What is no permission or no selector, the vault refuses.
    allow: allow as Caller["allow"],
    ...defined({ grants: sent.list("grants"), providers: sent.list("providers"), expiresAt: endIn(sent, vault) }),
  });
  return { caller: callerBody(caller), key: key.expose() };
}

async function rotate(asked: Asked): Promise<object> {
  const { vault } = asked;
  const sent = await asked.body();
  const overlap = sent.wholeNumber("overlap", 0, longestSeconds);
  if (overlap === undefined) {
    throw invalidRequest(
      "overlap is missing",
      "send for how many seconds the key before works as well; 0 ends it at once",
      "overlap",
    );
  }
  const { name } = await callerIn(asked);
  const { caller, key } = await vault.callers.rotate(name, {
    overlapMs: overlap * 1_000,
    ...defined({ expiresAt: endIn(sent, vault) }),
  });
  return { caller: callerBody(caller), key: key.expose() };
}

async function narrow(asked: Asked): Promise<object> {
  const { vault } = asked;
  const sent = await asked.body();
  const { name } = await callerIn(asked);
  const kept = defined({
    allow: sent.list("allow") as Caller["allow"] | undefined,
    grants: sent.list("grants"),
    providers: sent.list("providers"),
    expiresAt: endIn(sent, vault),
  });
  return { caller: callerBody(await vault.callers.narrow(name, kept)) };
}

async function revoke(asked: Asked): Promise<object> {
  const { name, callerId } = await callerIn(asked);
  if (!(await asked.vault.callers.revoke(name))) throw noCaller();
  return { caller_id: callerId, name, revoked: true };
}

async function createSession(asked: Asked): Promise<object> {
  const { name } = await callerIn(asked);
  const { session, key } = await asked.vault.sessions.create(name, sessionOptions(await asked.body()));
  return { session: { ...sessionBody(session), caller: name }, key: key.expose() };
}

async function revokeSessions(asked: Asked): Promise<object> {
  const { name } = await callerIn(asked);
  return { caller: name, ended: await asked.vault.sessions.revokeAll(name) };
}

async function listSessions({ vault, query }: Asked): Promise<object> {
  const limit = wholeNumber("limit", query.get("limit"), 1, 500);
  const names = new Map((await vault.callers.list()).map(({ callerId, name }) => [callerId, name]));
  const page = await vault.sessions.list(query.get("caller"), defined({ limit, cursor: query.get("cursor") }));
  const nameOf = ({ callerId }: Session): string => names.get(callerId) ?? callerId;
  return {
    sessions: page.sessions.map((session) => ({ ...sessionBody(session), caller: nameOf(session) })),
    cursor: page.cursor,
  };
}

async function revokeSession({ vault, named }: Asked): Promise<object> {
  if (!(await vault.sessions.revoke(named))) {
    throw new OnbehalfError("session_not_found", "there is no such session", {
      hint: "look at the list: a session that has ended is not there any more",
      details: {},
    });
  }
  return { session_id: named, ended: true };
}

/** The caller that the path names, whose key must not be revoked. Names are given again, ids are not. */
async function callerIn({ vault, named }: Asked): Promise<Caller> {
  const caller = (await vault.callers.list()).find(({ callerId }) => callerId === named);
  if (caller === undefined || caller.revokedAt !== undefined) throw noCaller();
  return caller;
}

function noCaller(): OnbehalfError<"not_found"> {
  return new OnbehalfError("not_found", "no caller of this id has a key that is not revoked", {
    hint: "look at the list of callers: somebody may have revoked it meanwhile",
    details: {},
  });
}

/** When a key ends that shall live for some seconds. */
function endIn(sent: Parameters, { clock }: Asked["vault"]): Date | undefined {
  const seconds = sent.wholeNumber("expires_in", 60, longestSeconds);
  return seconds === undefined ? undefined : new Date(clock.now() + seconds * 1_000);
}
