/**
 * errors/ words the errors that need more than one sentence, one builder for each: what is wrong, why, and what to do.
 * When an error is thrown does not belong here, nor does any other work.
 */
import { OnbehalfError } from "../../core/errors.ts";

/** What to do where the provider refuses our client, by the provider's error code. */
const hints: Readonly<Record<string, string>> = {
  invalid_client:
    "the client's id or secret is not the provider's, was changed or deleted, or must be sent in another way: " +
    "download client_secret.json again, or correct the settings, and restart",
  deleted_client: "the client was deleted in the provider's console: restore it there",
  disabled_client: "the client is disabled in the provider's console: enable it there",
  unauthorized_client: "the client may not do this: check its id, its type and what it is allowed in the console",
  dpop_key_lost:
    "the key that refresh tokens of this client are bound to is not the one in the table client_keys: restore that row " +
    "from a backup; without it these people must sign in again",
  invalid_dpop_proof:
    "the provider refused our proof of a key: check this machine's clock, and that nothing rewrites the token endpoint's address",
  org_internal: "only people of the app's own organisation may use it: change its user type in the console",
};

/** How the client authenticated: a wrong method is refused with the same words as a wrong secret. */
const sentAs = {
  client_secret_post: "its id and secret were sent in the body (client_secret_post)",
  client_secret_basic: "its id and secret were sent in the Authorization header (client_secret_basic)",
  private_key_jwt: "its id was sent with an assertion that its private key signed (private_key_jwt)",
  none: "its id was sent without a secret (none)",
};

/** What to do where that is a client that we have registered ourselves. */
const registeredHint =
  "the server has forgotten the client that it had registered for us, or its secret has ended: ask whoever runs the server " +
  "to bring it back. Once no grant hangs on it, another is registered: then these people must sign in again, so revoke their " +
  "grants first";

interface ClientAtProvider {
  /** The provider's short name. */
  readonly provider: string;
  readonly clientId: string;
  readonly issuer: string;
  /** How the client authenticated, where that is known. */
  readonly authentication?: keyof typeof sentAs | undefined;
  /** Whether the client was registered by us. Absent: an operator has made it. */
  readonly isRegistered?: boolean;
}

/**
 * The provider refuses our client, or what we send for it. It is never the fault of the grant or of the person.
 *
 * @param error the provider's error code
 */
export function clientMisconfigured(
  { provider, clientId, issuer, authentication, isRegistered = false }: ClientAtProvider,
  error: string,
): OnbehalfError<"client_misconfigured"> {
  const hint =
    (isRegistered && error === "invalid_client" ? registeredHint : undefined) ??
    (Object.hasOwn(hints, error) ? hints[error] : undefined) ??
    "compare the client's settings and endpoints with the provider's documentation; nobody needs to sign in again";
  return new OnbehalfError("client_misconfigured", `${provider} refused client ${clientId} (${error})`, {
    hint: authentication === undefined ? hint : `${hint}; ${sentAs[authentication]}`,
    details: { issuer, clientId, providerError: error },
  });
}

/** The grant belongs to a client that this vault was opened without. */
export function clientNotConfigured({
  provider,
  clientId,
  issuer,
}: ClientAtProvider): OnbehalfError<"client_misconfigured"> {
  return new OnbehalfError(
    "client_misconfigured",
    `the grant belongs to client ${clientId} of ${provider}, which is not configured here`,
    {
      hint: "configure that client again; a refresh token works only with the client that it was issued to",
      details: { issuer, clientId, providerError: "unknown_client" },
    },
  );
}

/** The vault was opened with a provider but without a client of it, so it can exchange no code. */
export function noClient({
  name,
  issuer,
}: {
  readonly name: string;
  readonly issuer: string;
}): OnbehalfError<"client_misconfigured"> {
  return new OnbehalfError("client_misconfigured", `the vault was opened without a client of ${name}`, {
    hint: "give client_secret.json, or the client's id and secret; the code was not used and still works",
    details: { issuer, clientId: "", providerError: "unknown_client" },
  });
}
