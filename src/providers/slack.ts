import { defined } from "../core/defined.ts";
import { configurationInvalid } from "../core/errors.ts";
import { assertOptionsOf } from "./assert-options.ts";
import { clientOptions } from "./client-options.ts";
import type { ClientOptions } from "./client-options.ts";
import { oauth2 } from "./oauth2.ts";
import type { Provider } from "./provider.ts";

/** What {@link slack} needs: the client of an app. */
export interface SlackOptions extends Pick<ClientOptions, "clientId" | "clientSecret"> {
  /** Short name, as in `?provider=`. Default: `slack`. */
  readonly name?: string;
  /**
   * Whose token of an answer is kept: the person's who consented, or the app's bot's in that workspace. For both, make two
   * records with different names. Default: `user`.
   */
  readonly tokens?: "user" | "bot";
  /** Where Slack's addresses are reached instead: a stand-in. Default: slack.com. */
  readonly baseUrl?: string;
  /** What a sign-in asks for that names no scopes itself. Default: nothing is known of that. */
  readonly scopes?: readonly string[];
}

const { clientId, clientSecret } = clientOptions;
/** Every option that there is. */
const known: Readonly<Record<keyof SlackOptions, true>> = {
  clientId,
  clientSecret,
  name: true,
  tokens: true,
  baseUrl: true,
  scopes: true,
};

/**
 * Slack, as a provider record. One answer may hold a bot's token and a person's; this keeps one of them. A person's id is
 * theirs within a workspace alone, so both make the subject: `T0123:U0123`; where the app is installed for a whole
 * organisation, its id stands in the workspace's place: `E0123:U0123`. With token rotation, tokens live for 12 hours.
 *
 * @param options the client, and whose token is kept
 * @returns the record, for `openVault`
 * @throws {OnbehalfError} `configuration_invalid`: `options` is no object, or has a member that nobody knows; `tokens` is
 *   neither `user` nor `bot`
 * @see {@link https://docs.slack.dev/authentication/installing-with-oauth | Slack: installing with OAuth}
 * @see {@link https://docs.slack.dev/enterprise/developing-for-enterprise-orgs | Slack: apps for organisations}
 * @see {@link https://docs.slack.dev/authentication/using-token-rotation | Slack: using token rotation}
 */
export function slack(options: SlackOptions): Provider {
  assertOptionsOf("slack", options, known, "{ clientId, clientSecret }");
  const { name = "slack", tokens = "user", baseUrl = "https://slack.com", ...client } = options;
  if (!["user", "bot"].includes(tokens)) {
    throw configurationInvalid("tokens of slack() must be user or bot", "say whose token of an answer is kept");
  }
  const base = baseUrl.replace(/\/+$/, "");
  // Where an app is installed for an organisation, `team` is null, and the id of the organisation stands in its place.
  const place = ["team.id", "enterprise.id"];
  return oauth2({
    ...defined(client),
    name,
    authorizationEndpoint: `${base}/oauth/v2/authorize`,
    tokenEndpoint: `${base}/api/oauth.v2.access`,
    revocationEndpoint: `${base}/api/auth.revoke`,
    ...(tokens === "user"
      ? { identity: { tokenAnswer: [place, "authed_user.id"] }, tokensIn: "authed_user" }
      : { identity: { tokenAnswer: [place] }, otherTokensIn: ["authed_user"] }),
    rotation: "strict",
    apiHosts: ["slack.com", "files.slack.com"],
    tokenHosts: ["slack.com/api/oauth.*", "slack.com/api/auth.revoke", "slack.com/api/tooling.tokens.*"],
    // All of them come with status 200 and `ok: false`.
    refusals: {
      invalid_code: "dead",
      code_already_used: "dead",
      invalid_refresh_token: "dead",
      token_revoked: "dead",
      account_inactive: "dead",
      team_access_not_granted: "restricted",
      invalid_client_id: "misconfigured",
      bad_client_secret: "misconfigured",
      bad_redirect_uri: "ours",
      invalid_grant_type: "ours",
      ratelimited: "limited",
      internal_error: "transient",
      fatal_error: "transient",
      service_unavailable: "transient",
      request_timeout: "transient",
    },
    // Its APIs say with 200 that a token is not good.
    tokenRefusals: ["token_expired", "token_revoked", "invalid_auth"].map((word) => ({
      status: 200,
      word: `"error":"${word}"`,
    })),
    authorizationRequest: {
      ...(tokens === "user" ? { scopeParameter: "user_scope" } : {}),
      scopeSeparator: ",",
    },
    displayName: "Slack",
    connectionsPage: "https://slack.com/apps/manage",
    offlineHint:
      "tokens do not end, unless token rotation is switched on for the app: then each answer has a refresh token",
  });
}
