/** The operation by which a caller learns where tokens may be sent. */
import { ref } from "./operation.ts";
import type { Operation } from "./operation.ts";

export const providerOperations: readonly Operation[] = [
  {
    method: "get",
    path: "/v1/providers",
    id: "list_providers",
    tag: "callers",
    summary: "List the providers whose grants the caller may see, and where their tokens may be sent.",
    answers: { says: "The providers.", schema: ref("Providers") },
    errors: ["invalid_request"],
  },
];
