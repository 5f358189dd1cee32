import { kindOf } from "../core/argument-checks.ts";
import { configurationInvalid } from "../core/errors.ts";

/**
 * Refuses what is no object of options.
 *
 * @param name the function that was called
 * @param example what to give it
 * @throws {OnbehalfError} `configuration_invalid`
 */
export function assertObject(name: string, options: unknown, example: string): void {
  if (typeof options === "object" && options !== null && !Array.isArray(options)) return;
  throw configurationInvalid(
    `the options of ${name}() must be an object, and are ${kindOf(options)}`,
    `give ${name}() an object such as ${example}`,
  );
}
