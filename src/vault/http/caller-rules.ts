/** What must hold of the options by which callers are made and changed. */
import type { Rule } from "../../core/argument-checks.ts";
import { isSelector, selectorForms } from "../../core/reach.ts";
import { permissions } from "./caller.ts";
import type { Permission } from "./caller.ts";

export const somePermissions: Rule = {
  fits: (value) => Array.isArray(value) && value.every((each) => permissions.includes(each as Permission)),
  must: `a list of ${permissions.join(", ")}`,
};

/** More would make each decision about a grant slow. A prefix selects as many as one likes. */
const mostSelectors = 1_000;

export const someSelectors: Rule = {
  fits: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= mostSelectors &&
    value.every((each) => typeof each === "string" && isSelector(each)),
  must: `a list of 1 to ${mostSelectors} selectors: ${selectorForms}`,
};

export const milliseconds: Rule = {
  fits: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  must: "a whole number of milliseconds, 0 or more",
};
