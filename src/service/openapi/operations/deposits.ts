/** The operation that takes in refresh tokens. */
import { exchangeErrors } from "./codes.ts";
import { formOrJson, ref, text } from "./operation.ts";
import type { Operation } from "./operation.ts";

export const depositOperations: readonly Operation[] = [
  {
    method: "post",
    path: "/v1/grants/deposit",
    id: "deposit_grant",
    tag: "callers",
    summary: "Take in a refresh token that the app got elsewhere, proved by a refresh.",
    body: formOrJson({
      refresh_token: {
        ...text,
        maxLength: 16_384,
        writeOnly: true,
        description: "The refresh token, as the provider issued it. Required.",
      },
      external_id: {
        ...text,
        maxLength: 512,
        description: "The user's id in the app, by which the grant is then named. Required.",
      },
      account: {
        ...text,
        maxLength: 512,
        description:
          "A label for this account, where the user has several at the provider. Default: the provider's sub.",
      },
      provider: { ...text, description: "The provider that issued the token, where the service has several." },
      scope: {
        oneOf: [text, { type: "array", items: text }],
        description: "What the token covers, where the provider does not say it.",
      },
      access_token: { ...text, writeOnly: true, description: "Not used: what the refresh brings is kept." },
      expires_at: {
        type: ["string", "integer"],
        description: "When that access token expires. Not used either.",
      },
      send_again: {
        type: "boolean",
        description: "Whether to send the token although it failed with deposit_outcome_unknown before.",
      },
    }),
    answers: { says: "The grant.", schema: ref("Grant"), status: 201 },
    errors: [
      ...exchangeErrors.filter((code) => code !== "code_rejected"),
      "deposit_refused",
      "deposit_outcome_unknown",
      "external_id_conflict",
      "grant_unreadable",
    ],
  },
];
