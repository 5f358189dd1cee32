import type { Doer, DependsOn, Reason, ReasonWords, Step } from "./reason.ts";
import { told } from "./told-reasons.ts";

export type { Doer, DependsOn, Reason, ReasonWords, Step };

/**
 * Every reason for which a grant is not well. The API, the command line, the log, events and pages take their words from
 * here and from nowhere else.
 */
export const reasons = Object.fromEntries(
  Object.entries(told).map(([reason, words]) => [reason, { ...words, ...summaryOf(words.steps) }]),
) as Readonly<Record<Reason, ReasonWords>>;

function summaryOf(steps: readonly Step[]): Pick<ReasonWords, "dependsOn" | "fix"> {
  const by = steps[0]?.by ?? "person";
  return {
    dependsOn: by === "administrator" ? "person" : by,
    fix: steps.map(({ what }) => what).join(", then "),
  };
}

/** Who does a step, in words. */
export const doerWords: Readonly<Record<Doer, string>> = {
  person: "the person",
  administrator: "the person's administrator (at Google: of Google Workspace)",
  developer: "the app's developer",
  operator: "the operator: whoever runs Onbehalf",
  provider: "nobody: Onbehalf and the provider find out by themselves",
};

/** Who has to act first, in words: more exact than {@link DependsOn}, which programs compare. */
export function firstDoerWords(reason: Reason): string {
  return doerWords[reasons[reason].steps[0]?.by ?? "person"];
}

/** Whether a text is the code of a reason. */
export function isReason(text: string): text is Reason {
  return Object.hasOwn(reasons, text);
}
