/** What the operations share that take a one-time code. */
import type { ErrorCode } from "../../../index.ts";
import { codeSources } from "../../../vault/http/authcode-handler.ts";
import { text } from "./operation.ts";
import type { Parameter } from "./operation.ts";

export const codeParameters: Readonly<Record<string, object>> = {
  authCode: { ...text, description: "The one-time code, as the app received it. May be named `code` instead." },
  code: text,
  source: { enum: codeSources, description: "Where the code came from. It decides the redirect_uri of the exchange." },
  redirect_uri: { ...text, format: "uri", description: "For web-redirect: the URI that the code was sent to." },
  code_verifier: {
    ...text,
    minLength: 43,
    maxLength: 128,
    description: "The PKCE verifier of the sign-in (RFC 7636).",
  },
  nonce: { ...text, maxLength: 512, description: "The nonce that the sign-in was started with." },
  scope: {
    oneOf: [text, { type: "array", items: text }],
    description:
      "The scopes that the app asked for, as text with spaces or commas between them or as an array, so that the answer " +
      "can name those the person did not grant. May be named `scopes` instead.",
  },
  provider: { ...text, description: "The provider that issued the code, where the service has several." },
};

export const exchangeErrors: readonly ErrorCode[] = [
  "invalid_request",
  "code_rejected",
  "id_token_invalid",
  "client_misconfigured",
  "provider_unavailable",
  "store_unavailable",
  "keeper_unavailable",
];

/** The header by which a sender proves that it is the one of before. */
export const idempotencyKey: Parameter = {
  name: "Idempotency-Key",
  description:
    "Chosen at random and sent with each try of one code: it proves that a request comes from the same sender as the " +
    "one before, so that both get the same answer, with the same sign_in_assertion.",
  schema: { ...text, minLength: 16, maxLength: 255, pattern: String.raw`^[\x21-\x7e]+$` },
};
