import { OnbehalfError } from "../../core/errors.ts";

/** What to do where our client is refused, by the provider's error code. */
const hints: Readonly<Record<string, string>> = {
  invalid_client:
    "the client's secret was changed or the client was deleted: download client_secret.json again, and restart",
  deleted_client: "the client was deleted in the provider's console: restore it there",
  disabled_client: "the client is disabled in the provider's console: enable it there",
  unauthorized_client: "the client may not do this: compare its id, its type and what it is allowed to in the console",
  org_internal: "the app is open to its own organisation alone: change its user type in the console",
};

interface ClientAtProvider {
  /** The provider's short name. */
  readonly provider: string;
  readonly clientId: string;
  readonly issuer: string;
}

/**
 * The provider refuses our client, or what we send for it. Never the grant's fault, nor the person's.
 *
 * @param error the provider's error code
 */
export function clientMisconfigured(
  { provider, clientId, issuer }: ClientAtProvider,
  error: string,
): OnbehalfError<"client_misconfigured"> {
  return new OnbehalfError("client_misconfigured", `${provider} refused client ${clientId} (${error})`, {
    hint:
      (Object.hasOwn(hints, error) ? hints[error] : undefined) ??
      "compare the client's settings and endpoints with the provider's documentation; no person need sign in again",
    details: { issuer, clientId, providerError: error },
  });
}

/** A grant's client is not among those that this vault was opened with. */
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

/** The vault was opened with a provider and without its client, so that no code can be exchanged. */
export function noClient({
  name,
  issuer,
}: {
  readonly name: string;
  readonly issuer: string;
}): OnbehalfError<"client_misconfigured"> {
  return new OnbehalfError("client_misconfigured", `the vault was opened without a client of ${name}`, {
    hint: "give client_secret.json, or the client's id and secret; the code was not used, it still works",
    details: { issuer, clientId: "", providerError: "unknown_client" },
  });
}
