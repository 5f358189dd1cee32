import { doerWords, isReason, reasons } from "../../core/diagnosis/reasons.ts";
import type { Diagnosis, Grant } from "../../index.ts";

type Fact = readonly [string, string | undefined];

/** Why a grant is not well, as lines for people; none where it is. */
export function diagnosisFacts(grant: Grant): readonly Fact[] {
  const { reason, certainty, causes = [], also = [] } = grant;
  if (reason === undefined) return [];
  return [
    ["reason", `${reason}${certainty === "certain" ? "" : ` (${certainty})`}${meaning(reason)}`],
    ...evidenceFacts(grant),
    ...remedyFacts(grant),
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

/** What a reason means, behind its code; nothing of one that this version does not know. */
export function meaning(reason: string): string {
  return isReason(reason) ? `: ${reasons[reason].means}` : "";
}

/** What speaks for a reason, each piece with its time. */
export function evidenceFacts({ evidence = [] }: Partial<Pick<Diagnosis, "evidence">>): readonly Fact[] {
  return listed(
    "evidence",
    evidence.map(({ at, what }) => `${at.toISOString()}  ${what}`),
  );
}

/** Who has to act first, and what to do in which order. */
export function remedyFacts({
  reason,
  dependsOn,
  fix,
}: {
  readonly reason?: string | undefined;
  readonly dependsOn?: Diagnosis["dependsOn"] | undefined;
  readonly fix?: string | undefined;
}): readonly Fact[] {
  const steps = reason !== undefined && isReason(reason) && reasons[reason].fix === fix ? reasons[reason].steps : [];
  const who = steps[0]?.by ?? dependsOn;
  return [
    ["depends on", who === undefined ? undefined : doerWords[who]],
    ...(steps.length < 2
      ? [["do", fix] as const]
      : listed(
          "do",
          steps.map(({ what }, index) => `${index + 1}. ${what}`),
        )),
  ];
}

function listed(name: string, lines: readonly string[]): readonly Fact[] {
  return lines.map((line, index) => [index === 0 ? name : "", line]);
}
