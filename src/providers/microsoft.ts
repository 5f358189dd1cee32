import { defined } from "../core/defined.ts";
import { configurationInvalid } from "../core/errors.ts";
import type { RefusalMeaning } from "../core/refresh.ts";
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
 * By which numbers of the error catalogue a refusal means something else than its `error` alone. Entra says `invalid_grant`
 * of a token that is dead, of a person who must pass a second factor, and of one whom a policy keeps out. A number that is
 * not here leaves the meaning of `error`: Microsoft adds numbers, and advises not to depend on them. Not here either:
 * 700016 and 7000112, that a tenant does not have the app or has disabled it. That is no fault of the client elsewhere,
 * and may be undone.
 */
const numbers: Readonly<Partial<Record<RefusalMeaning, string>>> = {
  // A password that has expired, a second factor, terms, a sign-in that is too old, consent that is missing.
  reauthenticate:
    "16000 50055 50058 50072 50074 50076 50078 50079 50125 50132 50133 50135 50144 50158 65001 65004 70043 700020",
  // The account is disabled or not assigned; Conditional Access and its rules on devices and places; consent that only an
  // administrator can give; an API that the organisation has not subscribed to.
  restricted:
    "50005 50020 50057 50097 50105 50127 50129 50131 50155 50187 53000 53001 53002 53003 53004 53009 53010 53011 80012 " +
    "90094 90095 90123 500021 500022 500212 500213 530032 530034 530035 650052 1000031",
  // The secret is wrong, absent or has expired; the certificate or the assertion is not good.
  misconfigured: "70002 700025 700027 700030 7000215 7000218 7000222",
  // Of the API or the scopes that were asked for.
  ours: "28002 28003 500011 650054 650056 650057",
  // Also an account that is locked for a while, and the same request too often: each is one person's.
  transient: "40010 50033 50053 50087 50088 50166 50196 70012 90006 90012 90024 90033 90090 90091",
  limited: "90055",
};

const refusals: Readonly<Record<string, RefusalMeaning>> = {
  // Of one API, not of our client.
  invalid_resource: "ours",
  "invalid_grant/consent_required": "reauthenticate",
  "invalid_grant/basic_action": "reauthenticate",
  "invalid_grant/user_password_expired": "reauthenticate",
  // Only something outside of a sign-in helps, or nothing that the person can do.
  "invalid_grant/additional_action": "restricted",
  "invalid_grant/message_only": "restricted",
  ...Object.fromEntries(
    Object.entries(numbers).flatMap(([meaning, list]) =>
      list.split(" ").map((number) => [number, meaning as RefusalMeaning] as const),
    ),
  ),
};

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
 * @see {@link https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes | Microsoft: error codes}
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
      refusals,
      displayName: "Microsoft",
      connectionsPage:
        tenant === "consumers" ? "https://account.live.com/consent/Manage" : "https://myapps.microsoft.com",
      offlineHint: "ask for the scope offline_access; add prompt=consent where the person has consented without it",
    }),
    // It gives a refresh token without showing the consent page, which a tenant may forbid its people to see.
    authorizationRequest: { offlineScope: "offline_access", consentForOffline: false },
    ...defined({ scopes }),
  };
}
