import { assertOptions } from "../../core/argument-checks.ts";
import type { Rule } from "../../core/argument-checks.ts";
import { configurationInvalid, isOnbehalfError } from "../../core/errors.ts";

/**
 * Refuses options of a store that are not what they must be, and those that nobody knows.
 *
 * @param store the function's name, such as `sqlite`
 * @throws {OnbehalfError} `configuration_invalid`: an option is not what it must be
 */
export function assertStoreOptions(store: string, options: unknown, rules: Readonly<Record<string, Rule>>): void {
  try {
    assertOptions(store, options, rules);
  } catch (error) {
    throw isOnbehalfError(error) ? configurationInvalid(error.message, error.hint) : error;
  }
}
