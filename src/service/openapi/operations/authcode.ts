/** The operation by which an app hands a one-time code over. */
import { codeParameters, exchangeErrors, idempotencyKey } from "./codes.ts";
import { formOrJson, ref, text } from "./operation.ts";
import type { Operation } from "./operation.ts";

export const authCodeOperations: readonly Operation[] = [
  {
    method: "post",
    path: "/authcode",
    id: "hand_over_code",
    tag: "apps",
    summary: "Hand a one-time code over. The request must have an X-Requested-With header.",
    headers: [
      {
        name: "X-Requested-With",
        description: "Any value, such as XMLHttpRequest: a page of another site cannot send this header.",
        schema: { ...text, minLength: 1 },
        required: true,
      },
      idempotencyKey,
    ],
    body: formOrJson({
      ...codeParameters,
      ticket: {
        ...text,
        pattern: "^obt_[0-9a-f]{64}_[0-9a-f]{8}$",
        description: "A ticket of POST /v1/tickets: the grant becomes that of the user it was made for.",
      },
      external_id: {
        ...text,
        maxLength: 512,
        description: "Only beside a ticket: which user of the app it must be for.",
      },
    }),
    answers: { says: "The person who signed in, and what they granted.", schema: ref("SignIn") },
    errors: ["csrf_rejected", "forbidden", "ticket_invalid", "external_id_conflict", ...exchangeErrors],
  },
];
