import { assertFits, assertOptions, filledText, required, text } from "../core/argument-checks.ts";
import type { Rule } from "../core/argument-checks.ts";
import { defined } from "../core/defined.ts";
import { configurationInvalid, invalidRequest } from "../core/errors.ts";
import { McpOAuthProvider } from "./oauth-provider.ts";
import { aSignInVault } from "./token-vault.ts";
import type { McpServerRecord, SignInVault } from "./token-vault.ts";

/** What {@link mcpOAuthProvider} needs to know. */
export interface McpOAuthProviderOptions {
  /** The short name of the MCP server's provider record. The transport's URL must be its `server`. */
  readonly provider: string;
  /** The app's own user id: whose tokens are used, and whose the grant becomes. Never take it from somebody else's request. */
  readonly externalId: string;
  /** The label of one of that user's accounts. Default: the one that there is. */
  readonly account?: string;
  /**
   * Where the person comes back to: the redirect URI that the record's client is registered with. Absent, with
   * {@link onRedirect}: nobody is sent away, and only a grant that is there is used, such as one of a connect link.
   */
  readonly redirectUrl?: string | URL;
  /** Sends the person to an authorization server. It is called only where the vault has no token that can be got without. */
  readonly onRedirect?: (url: URL) => void | Promise<void>;
  /**
   * The `state` that came back with the code: the sign-in must be the one that it belongs to, and this user's. Give it where
   * codes are taken in. Default: this user's newest sign-in is meant.
   */
  readonly state?: string;
}

const aFunction: Rule = { fits: (value) => typeof value === "function", must: "a function" };
const aUrl: Rule = { fits: (value) => URL.canParse(String(value)), must: "an absolute URL" };

const rules: Readonly<Record<keyof McpOAuthProviderOptions, Rule>> = {
  provider: required(filledText),
  externalId: required(filledText),
  account: text,
  redirectUrl: aUrl,
  onRedirect: aFunction,
  state: text,
};

/**
 * An `OAuthClientProvider` for the transports of the MCP SDK 1 and 2: `new StreamableHTTPClientTransport(url, { authProvider })`.
 * The SDK signs the person in, and the tokens live in the vault: it exchanges the code, and refreshes once for all processes.
 * The SDK is given access tokens alone.
 *
 * @param vault a vault of this process
 * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be, or no such provider is configured
 * @throws {OnbehalfError} `configuration_invalid`: the provider is no MCP server, or its client is registered with another
 *   redirect URI
 * @see https://modelcontextprotocol.io/specification/draft/basic/authorization
 */
export function mcpOAuthProvider(vault: SignInVault, options: McpOAuthProviderOptions): McpOAuthProvider {
  assertFits("vault", vault, aSignInVault);
  assertOptions("mcpOAuthProvider", options, rules);
  const { provider, externalId, account, redirectUrl, onRedirect, state } = options;
  if ((redirectUrl === undefined) !== (onRedirect === undefined)) {
    throw invalidRequest(
      "redirectUrl and onRedirect must be given together",
      "give both where the SDK signs people in, and neither where they connect in another way",
      redirectUrl === undefined ? "redirectUrl" : "onRedirect",
    );
  }
  const record = vault.providerOf(provider);
  const { server, scopes } = record;
  if (server === undefined) {
    throw configurationInvalid(
      `${provider} is no MCP server`,
      "give the name of a provider that mcpServer() describes: the SDK's tokens are for its server alone",
    );
  }
  const registered = registrationOf(record);
  const redirect = redirectUrl === undefined ? undefined : String(redirectUrl);
  if (redirect !== undefined && registered !== undefined && registered.redirectUri !== redirect) {
    throw configurationInvalid(
      `redirectUrl is not the redirect URI that the client of ${provider} is registered with`,
      `give the same as redirectUrl here and as redirectUri of mcpServer(): ${registered.redirectUri}`,
    );
  }
  return new McpOAuthProvider(
    vault,
    defined({
      whose: { provider: record.name, externalId, ...defined({ account }) },
      server,
      clientName: registered?.clientName,
      scopes,
      redirectUrl: redirect,
      onRedirect,
      state,
    }),
  );
}

function registrationOf({
  client,
}: McpServerRecord): { readonly clientName: string; readonly redirectUri: string } | undefined {
  if (typeof client !== "object" || !("register" in client)) return undefined;
  return client.register as { readonly clientName: string; readonly redirectUri: string };
}
