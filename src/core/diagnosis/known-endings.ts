import type { TokenEndings } from "./token-endings.ts";

/**
 * Google's documentation on when refresh tokens end.
 *
 * @see https://developers.google.com/identity/protocols/oauth2#expiration
 */
const googles: TokenEndings = {
  testingDays: 7,
  testingExcept: [
    "openid",
    "email",
    "profile",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
  ],
  idleDays: 183,
  perPerson: 100,
  passwordScopes: ["https://mail.google.com/", "https://www.googleapis.com/auth/gmail.*"],
};

/** @see https://learn.microsoft.com/entra/identity-platform/refresh-tokens */
const microsofts: TokenEndings = { idleDays: 90 };

/** By what the provider of an issuer ends refresh tokens without saying so; nothing where that is not known. */
export function endingsOf(issuer: string): TokenEndings {
  if (issuer === "https://accounts.google.com" || issuer === "accounts.google.com") return googles;
  return issuer.startsWith("https://login.microsoftonline.com/") ? microsofts : {};
}
