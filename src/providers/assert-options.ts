import { kindOf } from "../core/argument-checks.ts";
import { configurationInvalid, configurationProblems } from "../core/errors.ts";
import { unknownNames } from "../core/known-names.ts";

/**
 * Refuses what is no object of options, and every member that nobody knows: a misspelt one would be ignored.
 *
 * @param name the function that was called
 * @param known every option that there is
 * @param example what to give it
 * @throws {OnbehalfError} `configuration_invalid`: `details.problems` names each member that nobody knows
 */
export function assertOptionsOf(
  name: string,
  options: unknown,
  known: Readonly<Record<string, true>>,
  example: string,
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw configurationInvalid(
      `the options of ${name}() must be an object, and are ${kindOf(options)}`,
      `give ${name}() an object such as ${example}`,
    );
  }
  const names = Object.keys(known);
  const unknown = unknownNames(options, names);
  const [first] = unknown;
  if (first === undefined) return;
  throw configurationProblems(
    unknown.map(({ name: member }) => `${member} is no option of ${name}()`),
    first.meant === undefined ? `use ${names.join(", ")}` : `write ${first.meant}`,
  );
}
