import { grantStates } from "../../core/grant.ts";

const text = { type: "string" } as const;
const yesNo = { type: "boolean" } as const;
const time = { type: "string", format: "date-time" } as const;
const whole = { type: "integer" } as const;

/** Registered claims of the person (OpenID Connect Core 1.0 section 5.1). */
const claims = {
  sub: { ...text, description: "The provider's name for the person; key on this one." },
  email: text,
  email_verified: yesNo,
  name: text,
  picture: { ...text, format: "uri" },
  locale: text,
  family_name: text,
  given_name: text,
};

const consent = {
  ...claims,
  grant_id: text,
  scope: { ...text, description: "What was granted, in the provider's canonical names (RFC 6749 section 3.3)." },
  missing_scopes: { type: "array", items: text, description: "Asked for and not granted." },
  offline: { ...yesNo, description: "Whether a refresh token is held." },
  offline_reason: text,
  hint: text,
};

function object(required: readonly string[], properties: object): object {
  return { type: "object", required, properties };
}

/** The bodies of answers. */
export const schemas: Readonly<Record<string, object>> = {
  SignIn: object(["sub", "grant_id", "scope", "offline", "sign_in_assertion"], {
    ...consent,
    sign_in_assertion: { ...text, description: "A JWT for the app's backend; verify it with /.well-known/jwks.json." },
  }),
  Consent: object(["sub", "grant_id", "scope", "offline"], { ...consent, external_id: text }),
  Grant: object(
    ["grant_id", "provider", "issuer", "client_id", "subject", "profile", "scope", "state", "since", "offline"],
    {
      grant_id: text,
      provider: text,
      issuer: { ...text, format: "uri" },
      client_id: text,
      subject: text,
      external_id: text,
      profile: object(["sub"], { ...claims, hd: text }),
      scope: text,
      state: { enum: grantStates },
      reason: { ...text, description: "Why it is not active." },
      since: time,
      offline: yesNo,
      generation: { ...whole, description: "How many exchanges have been committed to it." },
      created_at: time,
      updated_at: time,
      last_refresh_at: time,
      access_expires_at: time,
      last_error: object(["error", "at"], { error: text, at: time }),
    },
  ),
  GrantPage: object(["grants"], {
    grants: { type: "array", items: { $ref: "#/components/schemas/Grant" } },
    cursor: { ...text, description: "Present where there are more." },
  }),
  Token: object(["access_token", "token_type", "expires_in", "scope", "expires_at"], {
    access_token: text,
    token_type: { const: "Bearer" },
    expires_in: { ...whole, description: "Seconds from now." },
    scope: text,
    expires_at: { ...whole, description: "Seconds since the epoch." },
  }),
  Status: object(["status"], { status: text }),
  KeySet: object(["keys"], { keys: { type: "array", items: { type: "object" } } }),
  Problem: {
    ...object(["type", "title", "status", "detail", "error", "error_description", "hint", "error_uri"], {
      type: { ...text, format: "uri-reference" },
      title: text,
      status: whole,
      detail: text,
      error: { ...text, description: "The code: one of a closed set, see docs/errors.md." },
      error_description: text,
      hint: { ...text, description: "What to do next." },
      error_uri: { ...text, format: "uri-reference" },
    }),
    description: "RFC 9457, with the members that OAuth's errors have, and those of the code.",
  },
};
