import { defined } from "../core/defined.ts";
import { assertOptionsOf } from "./assert-options.ts";
import { clientOptions } from "./client-options.ts";
import type { ClientOptions } from "./client-options.ts";
import { oauth2 } from "./oauth2.ts";
import type { Provider } from "./provider.ts";

/** What {@link github} needs: the client of an OAuth app or a GitHub App. */
export interface GitHubOptions extends Pick<ClientOptions, "clientId" | "clientSecret"> {
  /** Short name, as in `?provider=`. Default: `github`. */
  readonly name?: string;
  /** The address of a GitHub Enterprise Server, or of a stand-in. Default: github.com. */
  readonly baseUrl?: string;
  /** What a sign-in asks for that names no scopes itself. Default: nothing is known of that. */
  readonly scopes?: readonly string[];
}

const { clientId, clientSecret } = clientOptions;
/** Every option that there is. */
const known: Readonly<Record<keyof GitHubOptions, true>> = {
  clientId,
  clientSecret,
  name: true,
  baseUrl: true,
  scopes: true,
};

/**
 * GitHub, as a provider record. Its tokens have no end, unless a GitHub App lets them expire: then they live for 8 hours,
 * and a refresh ends both the old refresh token and the old access token. It has no revocation by RFC 7009.
 *
 * @param options the client, and what differs from github.com
 * @returns the record, for `openVault`
 * @throws {OnbehalfError} `configuration_invalid`: `options` is no object, or has a member that nobody knows
 * @see {@link https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps | GitHub: authorizing OAuth apps}
 * @see {@link https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens | GitHub: refreshing user access tokens}
 */
export function github(options: GitHubOptions): Provider {
  assertOptionsOf("github", options, known, "{ clientId, clientSecret }");
  const { name = "github", baseUrl, ...client } = options;
  const base = baseUrl?.replace(/\/+$/, "") ?? "https://github.com";
  const api = baseUrl === undefined ? "https://api.github.com" : `${base}/api/v3`;
  return oauth2({
    ...defined(client),
    name,
    authorizationEndpoint: `${base}/login/oauth/authorize`,
    tokenEndpoint: `${base}/login/oauth/access_token`,
    identity: {
      userinfo: `${api}/user`,
      headers: { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28" },
      subject: "id",
      email: "email",
      name: "name",
      picture: "avatar_url",
    },
    rotation: "strict",
    keepAliveDays: 90,
    // Six months, counted anew by each refresh.
    announcedEnds: { refresh_token_expires_in: "moves" },
    apiHosts: baseUrl === undefined ? ["api.github.com", "uploads.github.com"] : hostOf(base),
    forwardHeaders: ["x-github-*"],
    // All of them come with status 200.
    refusals: {
      bad_verification_code: "dead",
      bad_refresh_token: "dead",
      unverified_user_email: "reauthenticate",
      incorrect_client_credentials: "misconfigured",
    },
    displayName: "GitHub",
    connectionsPage: `${base}/settings/applications`,
    offlineHint:
      "tokens of an OAuth app do not end; for a GitHub App, switch on the expiration of user authorization tokens to get " +
      "refresh tokens",
  });
}

function hostOf(url: string): readonly string[] {
  return URL.canParse(url) ? [new URL(url).hostname] : [];
}
