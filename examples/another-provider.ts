/// <reference types="node" />
/**
 * Any OpenID Connect provider is a record. This record says that the provider replaces the refresh token with each use.
 * Leave out what you do not know of a provider: the vault then takes the careful choice.
 */
import { keyringFromEnv, oidc, openVault } from "onbehalf";
import { sqlite } from "onbehalf/sqlite";

const issuer = process.env["ISSUER"] ?? "https://issuer.example";

await using vault = await openVault({
  provider: oidc({
    name: "example",
    issuer,
    clientId: process.env["CLIENT_ID"] ?? "",
    clientSecret: process.env["CLIENT_SECRET"] ?? "",
    rotation: "strict",
    apiHosts: ["api.issuer.example"],
  }),
  store: sqlite(":memory:"),
  keyring: keyringFromEnv("ONBEHALF_KEY"),
});

const grant = await vault.exchangeCode({
  code: process.env["CODE"] ?? "",
  source: "web-redirect",
  redirectUri: process.env["REDIRECT_URI"] ?? "",
});
const { expiresAt, scopes } = await vault.getAccessToken(grant, { minTtlSeconds: 3_700 });
process.stdout.write(
  `${grant.issuer} ${grant.subject}: ${scopes.length} scopes until ${expiresAt?.toISOString() ?? "an API refuses it"}\n`,
);
