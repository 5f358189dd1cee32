import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { looksLikeSecret } from "../../src/core/secret-likeness.ts";

describe("words that look like a secret", () => {
  const words = [
    "invalid_grant",
    "AADSTS50173",
    "INVALID_SESSION_ID",
    "OAuthException",
    "OAuth2ClientCredentialsError",
    "invalid_b2c_token_v2",
    "TooManyRequestsException",
    "insufficient_authentication_methods_2fa_required",
    "ERR_4001_INVALID_REQUEST",
    "consent_required",
    "11111111-2222-3333-4444-55555a5b5c5d",
    "x509CertificateExpired",
    "",
  ];
  for (const word of words) {
    test(`a word that a provider may say does not look like a secret: ${word}`, () =>
      assert.equal(looksLikeSecret(word), false));
  }

  // Of a few forms, so that none is by chance what would be a word.
  const bytes = (n: number): Buffer => createHash("sha512").update(String(n)).digest();
  const secrets: Readonly<Record<string, (n: number) => string>> = {
    "hexadecimal digits": (n) => bytes(n).toString("hex").slice(0, 40),
    base64url: (n) => bytes(n).toString("base64url"),
    "an access token of Google's": (n) => `ya29.${bytes(n).toString("base64url")}`,
    "a client secret of Google's": (n) => `GOCSPX-${bytes(n).toString("base64url").slice(0, 28)}`,
    "a key of ours": (n) => `obk_${bytes(n).toString("hex").slice(0, 16)}_${bytes(n).toString("hex")}_01234567`,
    "a JWT": (n) => `eyJ${bytes(n).toString("base64url")}.eyJ${bytes(n).toString("base64url")}.x`,
  };
  for (const [name, make] of Object.entries(secrets)) {
    test(`a secret is known for one: ${name}`, () => {
      const missed = Array.from({ length: 1_000 }, (_, n) => make(n)).filter((each) => !looksLikeSecret(each));
      assert.ok(missed.length <= 5, `${missed.length} of 1,000, such as ${missed[0] ?? ""}`);
    });
  }

  test("a word of any length is looked at in a moment", () => {
    assert.equal(looksLikeSecret("aB".repeat(500_000)), true);
    assert.equal(
      looksLikeSecret(
        randomBytes(500_000)
          .toString("latin1")
          .replaceAll(/[A-Z0-9]/g, "a"),
      ),
      false,
    );
  });
});
