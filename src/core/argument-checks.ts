import { invalidRequest } from "./errors.ts";
import type { OnbehalfError } from "./errors.ts";
import { isGrantId } from "./grant.ts";
import type { GrantRef } from "./grant.ts";

/** What an argument must be. A program without types, or with wrong ones, could give anything. */
export interface Rule {
  readonly fits: (value: unknown) => boolean;
  /** What follows "must be". */
  readonly must: string;
  readonly required?: boolean;
}

export const text: Rule = { fits: (value) => typeof value === "string", must: "a text" };
export const filledText: Rule = {
  fits: (value) => typeof value === "string" && value.trim() !== "",
  must: "a text that is not empty",
};
export const texts: Rule = {
  fits: (value) => Array.isArray(value) && value.every((each) => typeof each === "string"),
  must: 'a list of texts, such as ["openid", "email"]',
};
export const secretText: Rule = {
  fits: (value) =>
    typeof value === "string" ||
    (typeof value === "object" && value !== null && "expose" in value && typeof value.expose === "function"),
  must: "a text or a Secret",
};
export const seconds: Rule = {
  fits: (value) => typeof value === "number" && Number.isFinite(value) && value >= 0,
  must: "a number of seconds, 0 or more",
};
export const abortSignal: Rule = {
  fits: (value) => typeof value === "object" && value !== null && "aborted" in value && "addEventListener" in value,
  must: "an AbortSignal",
};
export const truth: Rule = { fits: (value) => typeof value === "boolean", must: "true or false" };
export const date: Rule = {
  fits: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
  must: "a Date that is a time",
};

/** A rule for one of a few words. */
export function oneOf(words: readonly string[]): Rule {
  return { fits: (value) => typeof value === "string" && words.includes(value), must: `one of ${words.join(", ")}` };
}

/** The same rule, where the argument may not be left out. */
export function required(rule: Rule): Rule {
  return { ...rule, required: true };
}

/**
 * Refuses an object of options that is none, has a member of a wrong type, or one that nobody knows: a name that was
 * mistyped would be ignored, and something else be done than was meant.
 *
 * @param verb what the options are of, such as `exchangeCode`
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` names the member
 */
export function assertOptions(verb: string, given: unknown, rules: Readonly<Record<string, Rule>>): void {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw invalidRequest(
      `the options of ${verb} must be an object, and are ${kindOf(given)}`,
      `give an object with ${Object.keys(rules).join(", ")}`,
      "options",
    );
  }
  for (const [name, rule] of Object.entries(rules)) assertFits(name, (given as Record<string, unknown>)[name], rule);
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(rules, name) || value === undefined) continue;
    const shown = /^[\w.-]{1,64}$/.test(name) ? name : "a member";
    throw invalidRequest(
      `${shown} is no option of ${verb}`,
      `use ${Object.keys(rules).join(", ")}`,
      shown === name ? name : undefined,
    );
  }
}

/**
 * Refuses an argument that does not fit its rule.
 *
 * @param name as the program gives it
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` is the name
 */
export function assertFits(name: string, value: unknown, { fits, must, required = false }: Rule): void {
  if (value === undefined ? !required : fits(value)) return;
  throw invalidRequest(
    `${name} must be ${must}, and is ${kindOf(value)}`,
    !required ? `give ${must}, or leave ${name} out` : `give ${must}`,
    name,
  );
}

/** Says that something names no grant. */
export function noReference(parameter: string): OnbehalfError<"invalid_request"> {
  return invalidRequest(
    "a grant must be named by its id, a subject or an external id",
    "name a grant by its id (g_…), by sub:{subject} or by ext:{external_id}",
    parameter,
  );
}

/** The members of a reference of which one names the grant. The first that is there counts: a grant has several. */
const names = ["grantId", "subject", "externalId"] as const;

/**
 * Refuses what is no reference to a grant. An undefined one would otherwise be looked for as if it were an id.
 *
 * @throws {OnbehalfError} `invalid_request`: `details.parameter` names what is wrong
 */
export function assertGrantRef(ref: GrantRef): void {
  const given: unknown = ref;
  if (isGrantId(given)) return;
  if (typeof given !== "object" || given === null) {
    throw invalidRequest(
      `a grant must be named by its id, a subject or an external id, and not by ${kindOf(given)}`,
      "give a grant's id (g_…), { grantId }, { subject }, { externalId }, or a grant",
      "ref",
    );
  }
  const name = names.find((each) => each in given);
  if (name === undefined) throw noReference("ref");
  const members = given as Readonly<Record<string, unknown>>;
  assertFits(name, members[name], { ...filledText, required: true });
  if (name === "grantId") return;
  assertFits("provider", members["provider"], filledText);
  assertFits("account", members["account"], filledText);
}

/** What a value is, without the value: it may be a secret. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (value === "") return "empty";
  if (typeof value === "string") return value.trim() === "" ? "white space alone" : "another text";
  if (typeof value === "number") return Number.isFinite(value) ? "a number" : String(value);
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a Date that is no time";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
