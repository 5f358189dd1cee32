import { defined } from "../core/defined.ts";
import { configurationInvalid } from "../core/errors.ts";
import { assertOptionsOf } from "./assert-options.ts";
import { clientOptions } from "./client-options.ts";
import type { ClientOptions } from "./client-options.ts";
import { oidc } from "./oidc.ts";
import type { Provider } from "./provider.ts";

/** What {@link microsoft} needs: the client of an app registration in Entra. */
export interface MicrosoftOptions extends Omit<ClientOptions, "clientAuthentication"> {
  /** Short name, as in `?provider=`. Default: `microsoft`. */
  readonly name?: string;
  /**
   * Who may sign in: `common` (everybody), `organizations` (of any tenant), `consumers` (personal accounts), or one
   * tenant's id. Default: `common`.
   */
  readonly tenant?: string;
  /** Where login.microsoftonline.com is reached instead: a national cloud, or a stand-in. Default: that host. */
  readonly baseUrl?: string;
  /** What a sign-in asks for that names no scopes itself. Default: nothing is known of that. */
  readonly scopes?: readonly string[];
}

const { clientAuthentication: _chosen, ...clientMembers } = clientOptions;
/** Every option that there is. */
const known: Readonly<Record<keyof MicrosoftOptions, true>> = {
  ...clientMembers,
  name: true,
  tenant: true,
  baseUrl: true,
  scopes: true,
};

/** The tenant of all personal accounts. */
const consumers = "9188040d-6c67-4c5b-b112-36a304b66dad";
const tenantId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Microsoft Entra and personal accounts, as a provider record. Each tenant is an issuer of its own, and `sub` names one
 * person in all of them. Each refresh brings a new refresh token, and the old one stays good: 90 days after it was issued.
 *
 * @param options the client, and who may sign in
 * @returns the record, for `openVault`
 * @throws {OnbehalfError} `configuration_invalid`: `options` is no object, or has a member that nobody knows; `tenant` is no
 *   tenant's id
 * @see {@link https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow | Microsoft: authorization code flow}
 * @see {@link https://learn.microsoft.com/en-us/entra/identity-platform/refresh-tokens | Microsoft: refresh tokens}
 */
export function microsoft(options: MicrosoftOptions): Provider {
  assertOptionsOf("microsoft", options, known, "{ clientId, clientSecret }");
  const { name = "microsoft", tenant = "common", baseUrl, scopes, ...client } = options;
  const isOne = tenantId.test(tenant);
  if (!isOne && !["common", "organizations", "consumers"].includes(tenant)) {
    throw configurationInvalid(
      "tenant of microsoft() must be common, organizations, consumers or a tenant's id",
      "the id of a tenant stands in the Entra admin center, under Overview; a domain's name cannot be compared with iss",
    );
  }
  const base = baseUrl?.replace(/\/+$/, "") ?? "https://login.microsoftonline.com";
  return {
    ...oidc({
      ...defined(client),
      name,
      // Of personal accounts, the document names their tenant by its id.
      issuer: `${base}/${tenant === "consumers" ? consumers : tenant}/v2.0`,
      ...(isOne || tenant === "consumers" ? {} : { alsoIssuedAs: [`${base}/{tid}/v2.0`] }),
      rotation: "none",
      keepAliveDays: 60,
      canonicalScopes: { "https://graph.microsoft.com/*": "*" },
      apiHosts: ["graph.microsoft.com"],
      forwardHeaders: ["consistencylevel", "prefer", "client-request-id", "return-client-request-id"],
      // Of one API or one person's policy, not of our client.
      refusals: { invalid_resource: "ours", "invalid_grant/consent_required": "reauthenticate" },
      connectionsPage:
        tenant === "consumers" ? "https://account.live.com/consent/Manage" : "https://myapps.microsoft.com",
      offlineHint: "ask for the scope offline_access; add prompt=consent where the person has consented without it",
    }),
    ...defined({ scopes }),
  };
}
