/** In its environment, as JSON. */
export const killVariable = "ONBEHALF_TEST_KILL";

export interface KillPlan {
  /** Counts the steps of this grant's refresh. Absent: those of a code's exchange. */
  readonly grantId?: string;
  readonly step: number;
  readonly kind: "before" | "after";
}
