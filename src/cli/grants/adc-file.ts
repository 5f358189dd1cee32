import type { Caller, Secret } from "../../index.ts";

/** What an ADC file says. */
interface Told {
  readonly tokenUrl: string;
  readonly caller: Pick<Caller, "name">;
  readonly key: string;
  readonly handle: Secret;
}

/**
 * Application default credentials of the one kind that has an address for tokens in every library of Google's. In the
 * usual kind, `authorized_user`, most of them pass over such an address, and would send handle and key to Google.
 *
 * @see https://google.aip.dev/auth/4110
 */
export function adcFile({ tokenUrl, caller, key, handle }: Told): Record<string, string> {
  return {
    type: "external_account_authorized_user",
    // Whom the tokens are for, in words that some versions want to be there and none looks into.
    audience: tokenUrl,
    client_id: caller.name,
    client_secret: key,
    refresh_token: handle.expose(),
    token_url: tokenUrl,
  };
}

/** What to do with a library, or a version of one, that reads no such file. */
export const whereNoFileIsRead: readonly string[] = [
  "read by google-auth-library 8.8 (Node), google-auth 2.13 (Python), google-auth 1.15 (Java), golang.org/x/oauth2 0.13, and newer ones",
  "with an older library, give the file's values to its own class:",
  "  Node    new OAuth2Client({ clientId, clientSecret, endpoints: { oauth2TokenUrl } })",
  "  Python  google.oauth2.credentials.Credentials(None, refresh_token=…, token_uri=…, client_id=…, client_secret=…)",
  "  Java    UserCredentials.newBuilder(), setTokenServerUri(URI)",
  "  Go      oauth2.Config{ClientID, ClientSecret, Endpoint: oauth2.Endpoint{TokenURL}}",
];
