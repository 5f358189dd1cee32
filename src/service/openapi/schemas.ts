import { appEventTypes } from "../../core/events/app-event.ts";
import { grantStates } from "../../core/grant-state.ts";

const text = { type: "string" } as const;
const yesNo = { type: "boolean" } as const;
const time = { type: "string", format: "date-time" } as const;
const integer = { type: "integer" } as const;

/** Registered claims of the person (OpenID Connect Core 1.0 section 5.1). */
const claims = {
  sub: { ...text, description: "The provider's id of the person. Store this one: it never changes." },
  email: text,
  email_verified: yesNo,
  name: text,
  picture: { ...text, format: "uri" },
  locale: text,
  family_name: text,
  given_name: text,
};

/** Why a grant is not well. A grant that is has none of these. */
const diagnosis = {
  reason: { ...text, description: "Why it is not well: a code of docs/errors.md, Why a grant is not well." },
  certainty: { enum: ["certain", "likely", "possible"], description: "How far the reason can be trusted." },
  evidence: {
    type: "array",
    items: object(["at", "what"], { at: time, what: text }),
    description: "What speaks for it, in the order of time.",
  },
  depends_on: { enum: ["person", "developer", "operator", "provider"], description: "Who can do something about it." },
  fix: { ...text, description: "What to do." },
  steps: {
    type: "array",
    items: object(["by", "what"], {
      by: { enum: ["person", "administrator", "developer", "operator", "provider"], description: "Who does it." },
      what: text,
      is_sign_in: { ...yesNo, description: "The person signs in again, as by a connect link. Absent: no." },
      is_done_by_link: { ...yesNo, description: "A connect link does it by itself. Absent: no." },
    }),
    description: "The same step by step: what must be done first comes first.",
  },
  causes: {
    type: "array",
    items: object(["reason", "certainty", "tell_by"], { reason: text, certainty: text, tell_by: text }),
    description: "Where the provider did not say why: what it may be, the likeliest first, and what would tell.",
  },
  also: {
    type: "array",
    items: object(["reason", "depends_on", "fix"], { reason: text, depends_on: text, fix: text }),
    description: "What else is weak about it.",
  },
};

const consent = {
  ...claims,
  grant_id: text,
  scope: {
    ...text,
    description: "The scopes that the person granted, by the provider's own names (RFC 6749 section 3.3).",
  },
  missing_scopes: {
    type: "array",
    items: text,
    description: "Scopes that were asked for and are not granted, and those that the grant covered once and has lost.",
  },
  offline: { ...yesNo, description: "Whether the service holds a refresh token." },
  offline_reason: text,
  hint: text,
};

function object(required: readonly string[], properties: object): object {
  return { type: "object", required, properties };
}

const handleRequired = ["handle_id", "name", "grant_id", "provider", "caller_id", "created_at"];

function handle(required: readonly string[], more: object = {}): object {
  return object(required, {
    handle_id: text,
    name: text,
    grant_id: text,
    provider: text,
    for_caller: { ...text, description: "The name of the one caller that may use it." },
    caller_id: { ...text, description: "That caller's id." },
    scopes: { type: "array", items: text, description: "The largest scopes of the tokens that it gives." },
    created_at: time,
    expires_at: time,
    revoked_at: time,
    last_used_at: { ...time, description: "When it was used last, to ten minutes." },
    ...more,
  });
}

const session = {
  session_id: text,
  allow: { type: "array", items: text },
  grants: { type: "array", items: text },
  providers: { type: "array", items: text, description: "Absent: those of the caller." },
  scopes: { type: "array", items: text, description: "Absent: no limit." },
  created_at: time,
  expires_at: time,
};
const ofSession = ["session_id", "allow", "grants", "created_at", "expires_at"] as const;

/** The bodies of answers, by the name that an operation refers to them by. */
export const schemas: Readonly<Record<string, object>> = {
  SignIn: object(["sub", "grant_id", "scope", "offline"], {
    ...consent,
    sign_in_assertion: {
      ...text,
      description:
        "A JWT for the app's backend, which verifies it with /.well-known/jwks.json. Absent where it was given before.",
    },
    sign_in_assertion_reason: { ...text, description: "Why there is no assertion." },
  }),
  Consent: object(["sub", "grant_id", "scope", "offline", "grant"], {
    ...consent,
    external_id: text,
    account: text,
    grant: { $ref: "#/components/schemas/Grant" },
  }),
  Connect: object(["connect_id", "url", "expires_at"], {
    connect_id: text,
    url: { ...text, format: "uri", description: "Where to send the person. Whoever has it can begin." },
    expires_at: time,
  }),
  ConnectState: object(["status"], {
    status: { enum: ["waiting", "pending", "finished", "failed", "expired"] },
    grant_id: { ...text, description: "The grant that it has become." },
    error: { ...text, description: "Why it failed." },
  }),
  Ticket: object(["ticket", "nonce", "expires_at"], {
    ticket: { ...text, description: "Give it to the app, which sends it with its code to POST /authcode." },
    nonce: { ...text, description: "Start the sign-in with it, where the provider's library takes a nonce." },
    expires_at: time,
  }),
  Session: object(ofSession, session),
  NewSession: object([...ofSession, "key"], {
    ...session,
    key: { ...text, description: "The key, obs_…: for Authorization: Bearer. It is shown here and never again." },
  }),
  SessionPage: object(["sessions"], {
    sessions: { type: "array", items: { $ref: "#/components/schemas/Session" } },
    cursor: { ...text, description: "Absent: there are no more." },
  }),
  EndedSession: object(["session_id", "ended"], { session_id: text, ended: yesNo }),
  Grant: object(
    ["grant_id", "provider", "issuer", "client_id", "subject", "profile", "scope", "state", "since", "offline"],
    {
      grant_id: text,
      provider: text,
      issuer: { ...text, format: "uri" },
      client_id: text,
      subject: text,
      external_id: { ...text, description: "The app's own user id: the one that was asked by, else the first." },
      account: { ...text, description: "That user's label for the account: chosen by the app, else the subject." },
      external_ids: {
        type: "array",
        items: object(["external_id", "account"], { external_id: text, account: text }),
        description: "All users of the app that have connected the account, each with a label for it.",
      },
      profile: object(["sub"], { ...claims, hd: text }),
      scope: text,
      missing_scopes: { type: "array", items: text, description: "What the grant covered once and has lost." },
      state: { enum: grantStates },
      ...diagnosis,
      since: time,
      offline: yesNo,
      generation: { ...integer, description: "How many token exchanges have been stored for this grant." },
      created_at: time,
      updated_at: time,
      last_refresh_at: time,
      access_expires_at: time,
      access_token_end_known: {
        ...yesNo,
        description: "False: the provider did not say when the access token ends. Absent: none is held.",
      },
      reauthorize_before: {
        ...time,
        description: "When a new consent is known to be needed. Absent: no end was announced.",
      },
      last_error: object(["error", "at"], { error: text, at: time }),
      hint: { ...text, description: "What is left to do, where the provider did not confirm a revocation." },
    },
  ),
  GrantPage: object(["grants"], {
    grants: { type: "array", items: { $ref: "#/components/schemas/Grant" } },
    unreadable: {
      type: "array",
      description: "Grants that are there and cannot be shown: a value of theirs does not open. Absent: none.",
      items: object(["grant_id", "provider", "state", "values", "data_keys"], {
        grant_id: text,
        provider: text,
        state: text,
        values: { type: "array", items: text },
        data_keys: { type: "array", items: integer },
      }),
    },
    cursor: { ...text, description: "Present where there are more grants: pass it on to get the next page." },
  }),
  Probe: object(["result", "evidence", "checked_at", "offline"], {
    result: {
      enum: ["valid", "invalid", "unknown"],
      description: "Whether the consent stands. `unknown`: somebody else is at fault, and nothing is known of it.",
    },
    reason: { ...text, description: "Why it does not stand, or why nobody knows. Absent where it stands." },
    not_asked: { ...text, description: "Why the provider was not asked. Absent: it was." },
    evidence: diagnosis.evidence,
    depends_on: diagnosis.depends_on,
    fix: diagnosis.fix,
    checked_at: { ...time, description: "When that was found out." },
    expires_at: { ...time, description: "When the access token ends that is held. Absent: none is, or nobody knows." },
    offline: { ...yesNo, description: "Whether the service holds a refresh token." },
    missing_scopes: { type: "array", items: text, description: "What the grant covered once and has lost." },
  }),
  Handle: handle(handleRequired),
  NewHandle: handle([...handleRequired, "handle"], {
    handle: { ...text, description: "The handle itself. Give it to its caller, who sends it as refresh_token." },
  }),
  HandleList: object(["handles"], { handles: { type: "array", items: { $ref: "#/components/schemas/Handle" } } }),
  OAuthToken: object(["access_token", "token_type", "scope"], {
    issued_token_type: { ...text, description: "Of a token exchange: urn:ietf:params:oauth:token-type:access_token." },
    access_token: text,
    token_type: { const: "Bearer" },
    expires_in: {
      ...integer,
      description: "Seconds from now. Absent where the provider did not say when the token ends.",
    },
    scope: text,
    expires_at: { ...integer, description: "Seconds since the epoch." },
  }),
  OAuthMetadata: object(["issuer", "token_endpoint", "response_types_supported"], {
    issuer: { ...text, format: "uri" },
    authorization_endpoint: { ...text, format: "uri" },
    token_endpoint: { ...text, format: "uri" },
    response_types_supported: { type: "array", items: text, description: "None: nobody signs in here." },
    grant_types_supported: { type: "array", items: text },
    token_endpoint_auth_methods_supported: { type: "array", items: text },
    service_documentation: { ...text, format: "uri" },
  }),
  SetError: object(["err"], { err: text, description: text }),
  OAuthError: object(["error"], { error: text, error_description: text }),
  Token: object(["access_token", "token_type", "scope", "refresh_at", "grant_id", "provider", "generation"], {
    access_token: text,
    token_type: { const: "Bearer" },
    expires_in: {
      ...integer,
      description: "Seconds from now. Absent, like expires_at, where the provider did not say when the token ends.",
    },
    scope: text,
    expires_at: { ...integer, description: "Seconds since the epoch." },
    refresh_at: { ...time, description: "When a program that keeps the token should ask again." },
    grant_id: text,
    provider: { ...text, description: "Its short name." },
    generation: { ...integer, description: "Of two tokens of a grant, the one with the larger number is newer." },
  }),
  Providers: object(["providers"], {
    providers: {
      type: "array",
      items: object(["name", "issuer", "api_hosts", "token_hosts", "token_refusals"], {
        name: text,
        issuer: text,
        api_hosts: {
          type: "array",
          items: text,
          description: "Hosts that a token may be sent to; a leading `*.` stands for any subdomain.",
        },
        token_hosts: {
          type: "array",
          items: text,
          description: "Those among them, or paths of theirs, that give out tokens: a token is not sent there.",
        },
        api_base_url: { ...text, format: "uri", description: "Where the hosts are reached instead: a stand-in." },
        token_refusals: {
          type: "array",
          items: object(["status"], { status: integer, word: text }),
          description: "Answers that say, besides a 401, that a token is not good.",
        },
      }),
    },
  }),
  AuditPage: object(["rows", "next"], {
    rows: {
      type: "array",
      items: object(["seq", "at", "caller", "action", "outcome", "hash"], {
        seq: { ...integer, description: "Numbers have no gaps; rows about other clients' grants are not shown." },
        at: time,
        caller: {
          ...text,
          description: "A caller's name; or, with an @ before it, what kind of program it was, such as @keeper.",
        },
        action: text,
        grant_id: text,
        generation: integer,
        outcome: text,
        detail: { ...text, description: "What else there is to know, such as an API's host." },
        request_id: text,
        session_id: { ...text, description: "In which of the caller's sessions. Absent: with its own key." },
        hash: { ...text, description: "A hash of the row before's hash, and of this row." },
      }),
    },
    next: { ...integer, description: "What to pass as `after` for the rows that follow." },
  }),
  EventPage: object(["events", "next"], {
    events: {
      type: "array",
      items: object(["seq", "id", "type", "at", "provider", "client_id", "external_ids"], {
        seq: {
          ...integer,
          description:
            "Numbers become visible in their order; those of events that the caller does not see are left out.",
        },
        id: { ...text, description: "The same at each delivery, also as a webhook." },
        type: { enum: [...appEventTypes] },
        at: time,
        grant_id: { ...text, description: "Absent: it is about no single grant." },
        provider: text,
        client_id: text,
        external_ids: {
          type: "array",
          items: object(["external_id", "account"], { external_id: text, account: text }),
          description: "By which of the app's user ids the grant is known now.",
        },
        was: { ...text, description: "What the grant was before." },
        reason: diagnosis.reason,
        evidence: diagnosis.evidence,
        depends_on: diagnosis.depends_on,
        fix: { ...text, description: "What to do." },
        error: { ...text, description: "What the provider said last." },
        gained: { type: "array", items: text },
        lost: { type: "array", items: text },
        offline: { type: "boolean" },
        reauthorize_before: time,
      }),
    },
    next: { ...integer, description: "What to pass as `after` for the events that follow." },
  }),
  Home: object(["service", "addresses"], {
    service: text,
    addresses: { type: "array", items: object(["method", "path", "what"], { method: text, path: text, what: text }) },
  }),
  Status: object(["status"], {
    status: text,
    standing_still: {
      ...object(["why", "since"], {
        why: { type: "string", enum: ["restored", "copied", "told"] },
        since: { ...text, format: "date-time" },
      }),
      description: "The store is a restored backup or a copy, as far as is known, and waits for its operator's word.",
    },
  }),
  KeySet: object(["keys"], { keys: { type: "array", items: { type: "object" } } }),
  Problem: {
    ...object(["type", "title", "status", "detail", "error", "error_description", "hint", "error_uri"], {
      type: { ...text, format: "uri-reference" },
      title: text,
      status: integer,
      detail: text,
      error: { ...text, description: "The error code, one of a closed set: see docs/errors.md." },
      error_description: text,
      hint: { ...text, description: "What to do next." },
      error_uri: { ...text, format: "uri-reference" },
    }),
    description: "Problem details (RFC 9457), with the members of OAuth errors and those of the error code.",
  },
};
