import { reasons } from "../../core/diagnosis/reasons.ts";
import type { Reason } from "../../core/diagnosis/reasons.ts";
import type { UnwellCount } from "../../core/diagnosis/unwell-counts.ts";
import { warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** How many causes are named. */
const named = 8;

/** Says how many grants are not well for which first cause, with its words and its fix. What does not open, others say. */
export function checkUnwell(counts: readonly UnwellCount[]): Finding[] {
  const causes = counts.flatMap(({ provider, state, reason, grants }) => {
    if (!Object.hasOwn(reasons, reason) || reason === "unreadable") return [];
    const { means, fix } = reasons[reason as Reason];
    return [
      warn("grants", `${grants} of ${provider} ${grants === 1 ? "is" : "are"} ${state}, ${reason}: ${means}`, fix),
    ];
  });
  if (causes.length <= named) return causes;
  const more = `${causes.length - named} more causes of grants that are not well`;
  return [
    ...causes.slice(0, named),
    warn("grants", more, "the dashboard's overview names each; or: onbehalf grants list --state lapsed"),
  ];
}
