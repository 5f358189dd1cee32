import type { Store } from "../../index.ts";
import { ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

/**
 * Says which keys are wider than most programs need: for every grant, and without an end. Keys from before there were
 * selectors are so. That is a choice and no fault, so that it is told and not warned of.
 */
export function checkCallers(callers: Awaited<ReturnType<Store["listCallers"]>>, now: number): Finding[] {
  const living = callers.filter((each) => each.revokedAt === null && (each.expiresAt ?? Infinity) > now);
  if (living.length === 0) return [];
  const wide = living.filter((each) => each.grantsSealed === null && each.expiresAt === null).map(({ name }) => name);
  const shown = wide.length > 5 ? `${wide.slice(0, 5).join(", ")} and ${wide.length - 5} more` : wide.join(", ");
  const about =
    wide.length === 0 ? "each is narrowed to some grants, or ends" : `for every grant and without an end: ${shown}`;
  const bare = living.filter((each) => each.rightsMac === null).map(({ name }) => name);
  return [
    ok("caller keys", `${living.length} in use; ${about}`),
    ...(bare.length === 0
      ? []
      : [
          warn(
            "caller keys",
            `rows without the keyed hash of their rights: ${bare.join(", ")}`,
            "after an update, start the service once; if it has been started since, the rows were changed by hand: revoke them",
          ),
        ]),
  ];
}
