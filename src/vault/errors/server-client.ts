import { OnbehalfError } from "../../core/errors.ts";

interface ClientOfServer {
  /** The provider's short name. */
  readonly name: string;
  /** The MCP server's URL. */
  readonly issuer: string;
  readonly clientId: string;
}

/** What was registered is in the store, and does not open. */
export function clientUnreadable({ name, issuer, clientId }: ClientOfServer): OnbehalfError<"client_misconfigured"> {
  return new OnbehalfError("client_misconfigured", `what ${name} registered for us does not open`, {
    hint: "the row in the table registered_clients is damaged, or another store's: restore it from a backup",
    details: { issuer, clientId, providerError: "registration_unreadable" },
  });
}

/** Another process finds out which client we are, and has not come to an end. */
export function clientInTheMaking({ name, issuer }: Omit<ClientOfServer, "clientId">): OnbehalfError {
  return new OnbehalfError("provider_unavailable", `another process registers a client at ${name} just now`, {
    hint: "try again shortly",
    details: { issuer, retryAfterMs: 2_000 },
  });
}
