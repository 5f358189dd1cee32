/**
 * What a data key is for. Refresh tokens have a class of their own, so that a process that only hands out access tokens
 * cannot open them. Keys of `index` make keyed hashes; keys of `assertion` sign sign-in assertions.
 */
export type KeyClass = "refresh" | "read" | "index" | "assertion";

/** Every column that holds sealed values, as `table.column`. */
export type SealedColumn =
  | "grants.profile"
  | "grants.access_token"
  | "grants.refresh_token"
  | "intakes.context"
  | "intakes.answer"
  | "intakes.assertion"
  | "tickets.context"
  | "orphans.answer"
  | "rescue.answer"
  | "callers.grants"
  | "sessions.limits"
  | "client_keys.dpop"
  | "connects.asked"
  | "connects.flow"
  | "registered_clients.registration";

/**
 * Which class of data key seals each column. The name of a column is authenticated with each value: if a column were
 * renamed here, nothing that it holds would open any more.
 */
export const sealedColumns: Readonly<Record<SealedColumn, KeyClass>> = {
  "grants.profile": "read",
  "grants.access_token": "read",
  "grants.refresh_token": "refresh",
  "intakes.context": "refresh",
  "intakes.answer": "refresh",
  "intakes.assertion": "read",
  "tickets.context": "read",
  "orphans.answer": "refresh",
  "rescue.answer": "refresh",
  "callers.grants": "read",
  "sessions.limits": "read",
  "client_keys.dpop": "refresh",
  // Read by the process that shows the pages, which opens no refresh token.
  "connects.asked": "read",
  "connects.flow": "read",
  "registered_clients.registration": "refresh",
};

/** The place of a sealed value within one store. In another row, column, client or generation it does not open. */
export interface SealedPlace {
  readonly clientId: string;
  readonly column: SealedColumn;
  readonly recordId: string;
  /** 0 where the value does not change with the grant's generation. */
  readonly generation: number;
}

/** Where the selectors of a caller stand. */
export function callerGrantsPlace(callerId: string): SealedPlace {
  return { clientId: "", column: "callers.grants", recordId: callerId, generation: 0 };
}

/** Where what a session may do and see stands. */
export function sessionLimitsPlace(sessionId: string): SealedPlace {
  return { clientId: "", column: "sessions.limits", recordId: sessionId, generation: 0 };
}

/** Where what a ticket says stands. */
export function ticketPlace(ticketHash: Uint8Array): SealedPlace {
  const recordId = Buffer.from(ticketHash).toString("hex");
  return { clientId: "", column: "tickets.context", recordId, generation: 0 };
}

/** Where the key of a client is sealed for. */
export function clientKeyPlace(issuer: string, clientId: string): SealedPlace {
  return { clientId, column: "client_keys.dpop", recordId: issuer, generation: 0 };
}

/** Where what is kept of a link stands. */
export function connectPlace(what: "asked" | "flow", connectHash: Uint8Array): SealedPlace {
  return {
    clientId: "",
    column: `connects.${what}`,
    recordId: Buffer.from(connectHash).toString("hex"),
    generation: 0,
  };
}

/** Where what was registered for a provider at an MCP server is sealed for. */
export function registrationPlace(provider: string, server: string, clientId: string): SealedPlace {
  return { clientId, column: "registered_clients.registration", recordId: `${provider} ${server}`, generation: 0 };
}

/** The place of a wrapped data key. */
export interface WrappedKeyPlace {
  readonly clientId: "";
  readonly column: `data_keys.${string}`;
  readonly recordId: string;
  readonly generation: 0;
}
