import { defined } from "../defined.ts";
import { seconds } from "../clock.ts";
import { json, mediaType, noStore } from "../http/messages.ts";
import type { Incoming, Reply } from "../http/messages.ts";
import { OAuthRefusal } from "../http/oauth-form.ts";
import { readClientMetadata } from "./client-metadata.ts";
import type { OAuth2State } from "./oauth2-state.ts";

/**
 * `POST /register`: dynamic client registration (RFC 7591), open to everybody.
 *
 * @throws {OAuthRefusal} `invalid_redirect_uri`, `invalid_client_metadata`
 */
export function registrationEndpoint(state: OAuth2State, incoming: Incoming): Reply {
  const { settings, clients, clock } = state;
  if (!settings.registration) {
    throw new OAuthRefusal(403, "access_denied", "Clients may not register themselves here.");
  }
  const metadata = bodyOf(incoming);
  const read = readClientMetadata(metadata, "client_secret_basic");
  if ("error" in read) throw new OAuthRefusal(400, read.error, read.description);
  if (read.jwksUri !== undefined) {
    throw new OAuthRefusal(400, "invalid_client_metadata", "Give the keys as jwks: jwks_uri is not fetched here.");
  }
  const now = clock.now();
  const life = settings.registrationTtlSeconds;
  const secretEndsAt = life === null ? Infinity : now + life * 1_000;
  const client = clients.put(read.changes, secretEndsAt);
  const endsIn = secretEndsAt === Infinity ? 0 : seconds(secretEndsAt);
  const body = defined({
    ...known(metadata),
    client_id: client.id,
    client_id_issued_at: seconds(now),
    client_secret: client.secret,
    client_secret_expires_at: client.secret === undefined ? undefined : endsIn,
    client_name: client.name,
    redirect_uris: client.redirectUris,
    token_endpoint_auth_method: client.method,
    grant_types: client.grantTypes,
    response_types: ["code"],
    application_type: client.applicationType,
  });
  return json(201, body, { outcome: "registered", clientId: client.id }, noStore);
}

function bodyOf(incoming: Incoming): unknown {
  if (mediaType(incoming.headers) !== "application/json") {
    throw new OAuthRefusal(
      400,
      "invalid_client_metadata",
      "The body must be JSON, with Content-Type application/json.",
    );
  }
  try {
    return JSON.parse(incoming.body.toString());
  } catch {
    throw new OAuthRefusal(400, "invalid_client_metadata", "The body must be valid JSON.");
  }
}

/** RFC 7591 section 3.2.1: the answer repeats what was registered. */
function known(metadata: unknown): object {
  const given = metadata as Readonly<Record<string, unknown>>;
  const names = ["client_uri", "logo_uri", "contacts", "scope", "jwks", "software_id", "software_version"];
  return Object.fromEntries(names.filter((name) => given[name] !== undefined).map((name) => [name, given[name]]));
}
