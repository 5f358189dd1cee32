/** The operations of connect links. */
import { formOrJson, ref, text } from "./operation.ts";
import type { Operation } from "./operation.ts";

export const connectOperations: readonly Operation[] = [
  {
    method: "post",
    path: "/v1/connect",
    id: "begin_connect",
    tag: "callers",
    summary: "Make a link by which somebody connects an account with one of the app's users.",
    body: formOrJson({
      provider: { ...text, description: "Where the service has several." },
      external_id: { ...text, minLength: 1, maxLength: 512, description: "The user's id in the app." },
      account: {
        ...text,
        maxLength: 512,
        description: "A label for the account, where one user has several of the provider.",
      },
      grant_id: {
        ...text,
        description:
          "The grant of this user that the link is to bring back. Then no other account than its own is taken, where the provider says whose it is.",
      },
      scopes: {
        oneOf: [text, { type: "array", items: text }],
        description: "What to ask for, besides what the user's grant covers already. May be named `scope` instead.",
      },
      return_url: {
        ...text,
        maxLength: 2048,
        description: "Where the person is sent back to. It must be on the list.",
      },
      code_challenge: { ...text, description: "The S256 challenge of a verifier that the user's session keeps." },
      code_challenge_method: { enum: ["S256"] },
      return_code_required: {
        type: "boolean",
        description:
          "Whether finishing needs the `return_code` that only the browser is given that comes back. Recommended.",
      },
      login_hint: { ...text, maxLength: 512 },
      user_label: { ...text, maxLength: 200, description: "What the page calls the user. Default: the external id." },
      force_consent: {
        type: "boolean",
        description: "Whether the provider must ask for consent also where it need not.",
      },
    }),
    answers: { says: "The link, which lives for fifteen minutes.", schema: ref("Connect"), status: 201 },
    errors: [
      "invalid_request",
      "return_url_not_allowed",
      "grant_not_found",
      "client_misconfigured",
      "configuration_invalid",
    ],
  },
  {
    method: "get",
    path: "/v1/connect/{connect_id}",
    id: "show_connect",
    tag: "callers",
    summary: "How a connect link stands.",
    answers: { says: "Its status.", schema: ref("ConnectState") },
    errors: ["connect_not_found"],
  },
  {
    method: "post",
    path: "/v1/connect/{connect_id}/finish",
    id: "finish_connect",
    tag: "callers",
    summary: "Finish a connect link whose person is back: with a challenge, this stores the grant.",
    body: formOrJson({
      code_verifier: { ...text, minLength: 43, maxLength: 128 },
      return_code: { ...text, description: "As it stands in the return URL, where the link needs it." },
    }),
    answers: { says: "The grant.", schema: ref("Grant") },
    errors: [
      "invalid_request",
      "verifier_mismatch",
      "connect_not_found",
      "connect_expired",
      "connect_waiting",
      "connect_failed",
      "external_id_conflict",
      "provider_unavailable",
      "keeper_unavailable",
    ],
  },
];
