import { reasons, isReason } from "../../core/diagnosis/reasons.ts";
import type { Grant } from "../../index.ts";

/** Why a grant is not well, as lines for people; none where it is. */
export function diagnosisFacts(grant: Grant): (readonly [string, string | undefined])[] {
  const { reason, certainty, evidence = [], dependsOn, fix, causes = [], also = [] } = grant;
  if (reason === undefined) return [];
  const means = isReason(reason) ? `: ${reasons[reason].means}` : "";
  const listed = (name: string, lines: readonly string[]): (readonly [string, string])[] =>
    lines.map((line, index) => [index === 0 ? name : "", line]);
  return [
    ["reason", `${reason}${certainty === "certain" ? "" : ` (${certainty})`}${means}`],
    ...listed(
      "evidence",
      evidence.map(({ at, what }) => `${at.toISOString()}  ${what}`),
    ),
    ["depends on", dependsOn],
    ["do", fix],
    ...listed(
      "it may be",
      causes.map((cause) => `${cause.reason} (${cause.certainty}); look: ${cause.tellBy}`),
    ),
    ...listed(
      "also",
      also.map((further) => `${further.reason} (${further.dependsOn}); do: ${further.fix}`),
    ),
  ];
}
