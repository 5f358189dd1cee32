import type { VaultContext } from "../context.ts";
import type { RefreshOutcome, SeenGrant } from "../keeper/keeper.ts";

/**
 * Makes a span of the wait for a refresh that somebody else has begun: what is asked of the provider is part of theirs, and who
 * reads this one would miss where the time went.
 */
export async function joined(
  { spans }: Pick<VaultContext, "spans">,
  { grantId, provider }: SeenGrant,
  flight: Promise<RefreshOutcome>,
): Promise<RefreshOutcome> {
  if (spans === undefined) return flight;
  const attributes = { "onbehalf.grant.id": grantId, "onbehalf.provider": provider, "onbehalf.shared": true };
  return spans.run({ name: "onbehalf.refresh", kind: "internal", attributes }, async (span) => {
    const outcome = await flight;
    span.set({ "onbehalf.outcome": outcome.kind });
    if ("error" in outcome) span.fail(outcome.error);
    return outcome;
  });
}
