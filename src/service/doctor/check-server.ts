import type { Provider, ServerStatus } from "../../index.ts";
import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** How long before its end a secret is worth a warning, milliseconds. */
const noticeMs = 14 * 86_400_000;

/**
 * Checks the way from an MCP server's URL to a client there.
 *
 * @param now milliseconds since the epoch
 */
export function checkServer(provider: Provider, status: ServerStatus, now: number): Finding[] {
  const { name } = provider;
  const { metadataUrl, issuer, authorizationServers } = status;
  const found = ok("mcp server", `${name} says of itself: ${metadataUrl}`);
  if (issuer === undefined) {
    const problems = authorizationServers.map(({ problem = "" }) => problem).join("; ");
    const hint = "tell whoever runs the server; nobody can sign in there until one of its authorization servers works";
    return [found, fail("mcp server", `${name} has no authorization server that works: ${problems}`, hint)];
  }
  return [found, ...checkIssuers(name, issuer, authorizationServers), checkClient(provider, status, issuer, now)];
}

function checkIssuers(name: string, issuer: string, all: ServerStatus["authorizationServers"]): Finding[] {
  const which = all.length === 1 ? "" : `, the first of ${all.length} that works`;
  const broken = all.flatMap(({ problem }) => problem ?? []);
  const hint = "tell whoever runs the server: authorization_servers should name those alone that work";
  return [
    ok("mcp server", `${name} has the authorization server ${issuer}${which}`),
    ...broken.map((problem) => warn("mcp server", `${name}: ${problem}`, hint)),
  ];
}

function checkClient(provider: Provider, status: ServerStatus, issuer: string, now: number): Finding {
  const { name, client: ours } = provider;
  const { client, registers, takesDocuments } = status;
  const register = ours !== "none" && "register" in ours ? ours.register : undefined;
  if (client === "unreadable") {
    const hint = "restore its row in the table registered_clients from a backup: it was damaged, or is another store's";
    return fail("mcp client", `what ${name} registered for us does not open`, hint);
  }
  if (client === undefined) {
    if (register === undefined) return ok("mcp client", `${name} has the client that is configured`);
    if (register.documentUrl !== undefined && takesDocuments) {
      return ok("mcp client", `${name} takes our document for a client: ${register.documentUrl}`);
    }
    if (registers) return ok("mcp client", `a client is registered at ${name} with the first sign-in`);
    const hint = `register one there by hand, with the redirect URI ${register.redirectUri}, and give its client_id`;
    return fail("mcp client", `${name} registers no clients by itself (${issuer})`, hint);
  }
  const { clientId, kind, secretEndsAt, redirectUri } = client;
  if (client.issuer !== issuer) {
    const hint =
      "its grants go on at the old one, and no token or secret of theirs is sent to the new one; once they are revoked, a " +
      "client is found or registered there";
    return warn("mcp client", `${name} has moved from ${client.issuer} to ${issuer}`, hint);
  }
  if (kind === "registered" && redirectUri !== register?.redirectUri) {
    const hint =
      "set ONBEHALF_PUBLIC_URL back; or revoke the grants of this provider, then another client is registered";
    return warn(
      "mcp client",
      `client ${clientId} of ${name} was registered with the redirect URI ${redirectUri}`,
      hint,
    );
  }
  if (secretEndsAt !== undefined && secretEndsAt.getTime() - now < noticeMs) {
    const hint =
      "ask whoever runs the authorization server to renew it; or let people sign in again: another client is registered " +
      "once no grant hangs on this one";
    const verb = secretEndsAt.getTime() <= now ? "ended" : "ends";
    return warn(
      "mcp client",
      `the secret of client ${clientId} of ${name} ${verb} ${secretEndsAt.toISOString()}`,
      hint,
    );
  }
  return ok("mcp client", `${name} knows us as ${clientId}`);
}
