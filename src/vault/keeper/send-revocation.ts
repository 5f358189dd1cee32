import type { Secret } from "../../core/secret.ts";
import type { Protocol } from "../../oauth/protocol.ts";
import type { RevocationResponse } from "../../oauth/revocation-endpoint.ts";
import type { KeeperContext } from "./context.ts";
import { gateOf } from "./gate/gate.ts";
import type { Priority } from "./keeper.ts";

/**
 * Sends one revocation, once the provider's gate lets it through: a thousand disconnects count against the rate like a
 * thousand refreshes. What comes of it is no news about the token endpoint, so the gate learns nothing from it: a broken
 * revocation endpoint must not keep grants from being refreshed.
 *
 * @returns `failed` also where nothing is sent now
 */
export async function sendRevocation(
  context: KeeperContext,
  protocol: Protocol,
  token: Secret,
  priority: Priority,
): Promise<RevocationResponse> {
  const answer = await gateOf(context, protocol.provider.name).admit(priority);
  if (answer.kind === "rejected") return { kind: "failed", error: answer.error, retryAfterMs: answer.waitMs };
  try {
    return await protocol.revoke(token);
  } finally {
    answer.permit.release();
  }
}
