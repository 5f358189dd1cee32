/** The operation by which providers deliver security events. */
import { text } from "./operation.ts";
import type { Operation } from "./operation.ts";

export const signalOperations: readonly Operation[] = [
  {
    method: "post",
    path: "/risc",
    id: "take_signal",
    tag: "apps",
    summary: "Deliver a Security Event Token (RFC 8417), as a provider does: RISC, SSF and CAEP.",
    body: { required: true, content: { "application/secevent+jwt": { schema: { ...text, maxLength: 16_384 } } } },
    answers: { says: "It is taken, now or before, and what it does is stored.", status: 202 },
    errors: ["provider_unavailable", "store_unavailable"],
    setErrors: [
      "access_denied",
      "authentication_failed",
      "invalid_audience",
      "invalid_issuer",
      "invalid_key",
      "invalid_request",
    ],
  },
];
