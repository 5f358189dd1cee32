/** The operation by which a caller makes tickets. */
import { formOrJson, ref, text } from "./operation.ts";
import type { Operation } from "./operation.ts";

export const ticketOperations: readonly Operation[] = [
  {
    method: "post",
    path: "/v1/tickets",
    id: "create_ticket",
    tag: "callers",
    summary: "Make a ticket that a phone sends with its code, so that the grant becomes that of one user of the app.",
    body: formOrJson({
      external_id: { ...text, minLength: 1, maxLength: 512, description: "The user's id in the app." },
      provider: { ...text, description: "The provider that the code will be of, where the service has several." },
      account: {
        ...text,
        maxLength: 512,
        description: "A label for the account, where one user has several of the provider.",
      },
      scopes: {
        oneOf: [text, { type: "array", items: text }],
        description:
          "The scopes that the sign-in will ask for: those that are not granted are then missing_scopes. May be named `scope` instead.",
      },
      nonce_required: {
        type: "boolean",
        description: "Whether the ID token must carry the nonce. By default it must where it carries one.",
      },
    }),
    answers: { says: "The ticket, which is good for five minutes and one code.", schema: ref("Ticket"), status: 201 },
    errors: ["invalid_request", "client_misconfigured"],
  },
];
