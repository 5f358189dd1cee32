import { either, listOf, number, oneOf, orNull, read, stringMap, text, whole, yesNo } from "../input-checks.ts";
import type { Spelling } from "../input-checks.ts";

/** How a provider of the kinds `oauth2` and `mcp` behaves. */
export interface OAuth2Settings {
  /** Life of an access token, seconds. Default 3,600. */
  accessTokenTtlSeconds: number;
  /**
   * What answers say of that life. `life` (the default): that number. `string`: the same as a string. `absent`: nothing,
   * and the token ends all the same. `none`: nothing, and the token has no end. A number: that one, whatever the life is.
   */
  expiresIn: "life" | "string" | "absent" | "none" | number;
  /** Life of a code, seconds. Default 600. */
  codeTtlSeconds: number;
  /**
   * When an exchange brings a refresh token: `always` (the default), `never`, the `first` time for a person and client, or
   * where the scope `offline_access` was granted.
   */
  refreshToken: "always" | "never" | "first" | "offline_access";
  /** `strict` (the default): a refresh replaces the refresh token. `grace`: with a grace period. `none`: it keeps it. */
  rotation: "none" | "grace" | "strict";
  /** With the rotation `grace`: for how many seconds the last replaced refresh token still works. Default 30. */
  graceSeconds: number;
  /** Whether the use of a replaced refresh token ends its family (RFC 9700 section 4.14.2). Default true. */
  revokeFamilyOnReuse: boolean;
  /** How many refresh tokens a person and client may have; one more silently ends the oldest. Default 100. */
  refreshTokensPerUser: number;
  /** Life of a family of refresh tokens, seconds, sent as `refresh_token_expires_in`. Default null: no end. */
  refreshTokenTtlSeconds: number | null;
  /** For how many seconds a refresh token may go unused before it ends. Default null: for ever. */
  refreshTokenIdleSeconds: number | null;
  /**
   * What ends when a token is revoked. `family` (the default): a refresh token's family with its access tokens, or that one
   * access token. `account`: all that the person allowed the client.
   */
  revocationEnds: "family" | "account";
  /** For how many seconds an authorization that the person removed still works. Default 0. */
  revocationLagSeconds: number;
  /** Whether an exchange with the wrong `redirect_uri` uses the code up. Default false. */
  burnCodeOnMismatch: boolean;
  /** Whether a second use of a code ends what the first one brought (RFC 6749 section 4.1.2). Default true. */
  revokeOnCodeReuse: boolean;
  /**
   * How the token endpoint writes its answers: as `json` (the default), as a `form`, or as `accept`: a form unless the
   * request accepts JSON.
   */
  tokenAnswer: "json" | "form" | "accept";
  /** How answers write the granted scopes: a `string` with blanks (the default), an `array`, a list with `comma`s, or `absent`. */
  scopeAs: "string" | "array" | "comma" | "absent";
  /** Status of a refusal of the token endpoint, but for `invalid_client`. Default 400. Some providers say 200. */
  refusalStatus: number;
  /** The provider's own words in the place of registered ones: `{"invalid_grant": "bad_refresh_token"}`. Default: none. */
  refusalWords: Record<string, string>;
  /** Whether token answers say who consented: `"authed_user": {"id": "U583231"}`. Default false. */
  identityInAnswer: boolean;
  /** Whether each authorization request must have a PKCE challenge. Default: `required` in the kind `mcp` alone. */
  pkce: "optional" | "required";
  /** Whether requests must name a `resource` (RFC 8707). Default: `required` in the kind `mcp` alone. */
  resource: "optional" | "required";
  /** Resources besides its own that it issues tokens for. Default: none in the kind `mcp`, any in the kind `oauth2`. */
  otherResources: string[] | null;
  /** `iss` in redirects (RFC 9207): `right`, `absent`, or another issuer. Default `right` in the kind `mcp`, else `absent`. */
  redirectIss: string;
  /** Whether clients may register themselves (RFC 7591). Default: in the kind `mcp` alone. */
  registration: boolean;
  /** Life of the secret of a client that registered itself, seconds. Default null: no end. */
  registrationTtlSeconds: number | null;
  /** Whether a client id may be the URL of the client's metadata document. Default: in the kind `mcp` alone. */
  metadataDocuments: boolean;
}

/** What the kind `oauth2` does. */
export const oauth2Defaults: Readonly<OAuth2Settings> = {
  accessTokenTtlSeconds: 3_600,
  expiresIn: "life",
  codeTtlSeconds: 600,
  refreshToken: "always",
  rotation: "strict",
  graceSeconds: 30,
  revokeFamilyOnReuse: true,
  refreshTokensPerUser: 100,
  refreshTokenTtlSeconds: null,
  refreshTokenIdleSeconds: null,
  revocationEnds: "family",
  revocationLagSeconds: 0,
  burnCodeOnMismatch: false,
  revokeOnCodeReuse: true,
  tokenAnswer: "json",
  scopeAs: "string",
  refusalStatus: 400,
  refusalWords: {},
  identityInAnswer: false,
  pkce: "optional",
  resource: "optional",
  otherResources: null,
  redirectIss: "absent",
  registration: false,
  registrationTtlSeconds: null,
  metadataDocuments: false,
};

const shape = {
  accessTokenTtlSeconds: number(1),
  expiresIn: either(number(0), oneOf("life", "string", "absent", "none")),
  codeTtlSeconds: number(1),
  refreshToken: oneOf("always", "never", "first", "offline_access"),
  rotation: oneOf("none", "grace", "strict"),
  graceSeconds: number(0),
  revokeFamilyOnReuse: yesNo,
  refreshTokensPerUser: number(1),
  refreshTokenTtlSeconds: orNull(number(1)),
  refreshTokenIdleSeconds: orNull(number(1)),
  revocationEnds: oneOf("family", "account"),
  revocationLagSeconds: number(0),
  burnCodeOnMismatch: yesNo,
  revokeOnCodeReuse: yesNo,
  tokenAnswer: oneOf("json", "form", "accept"),
  scopeAs: oneOf("string", "array", "comma", "absent"),
  refusalStatus: whole(200, 599),
  refusalWords: stringMap,
  identityInAnswer: yesNo,
  pkce: oneOf("optional", "required"),
  resource: oneOf("optional", "required"),
  otherResources: orNull(listOf(text)),
  redirectIss: text,
  registration: yesNo,
  registrationTtlSeconds: orNull(number(1)),
  metadataDocuments: yesNo,
};

/**
 * Reads settings.
 *
 * @throws {BadInput} naming the member that is unknown or out of range
 */
export function readOAuth2Settings(input: unknown, spelling: Spelling): Partial<OAuth2Settings> {
  return read(input, shape, spelling);
}
