/** Input that a test got wrong. The message names the member and says what it must be. */
export class BadInput extends Error {
  override readonly name = "BadInput";
}

/** Returns a member that is right, or throws {@link BadInput} with its name as the caller spelled it. */
export type Check<T> = (value: unknown, name: string) => T;

type Shape = Record<string, Check<unknown>>;
type Read<S extends Shape> = { [K in keyof S]?: ReturnType<S[K]> };

/** How the caller spells member names: camelCase in JavaScript, snake_case in JSON. */
export type Spelling = "camel" | "snake";

export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * Reads an object whose members must all be known and right. A misspelt member is an error and is never ignored: a test
 * whose fault or setting silently did not apply would pass for the wrong reason.
 *
 * @throws {BadInput} naming the member
 */
export function read<S extends Shape>(input: unknown, shape: S, spelling: Spelling): Read<S> {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new BadInput("the input must be an object with named members");
  }
  const names = new Map(Object.keys(shape).map((key) => [spelling === "snake" ? snakeCase(key) : key, key]));
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    const key = names.get(name);
    const check = key === undefined ? undefined : shape[key];
    if (key === undefined || check === undefined) {
      throw new BadInput(`unknown member ${JSON.stringify(name)}: the members are ${[...names.keys()].join(", ")}`);
    }
    result[key] = check(value, name);
  }
  return result as Read<S>;
}

function refuse(name: string, expected: string): never {
  throw new BadInput(`${name} must be ${expected}`);
}

export const text: Check<string> = (value, name) => (typeof value === "string" ? value : refuse(name, "a string"));

export const yesNo: Check<boolean> = (value, name) =>
  typeof value === "boolean" ? value : refuse(name, "true or false");

export function number(least: number, most: number = Number.MAX_SAFE_INTEGER): Check<number> {
  return (value, name) =>
    typeof value === "number" && value >= least && value <= most
      ? value
      : refuse(name, `a number from ${String(least)} to ${String(most)}`);
}

export function oneOf<const T extends string>(...choices: readonly T[]): Check<T> {
  return (value, name) =>
    choices.find((choice) => choice === value) ?? refuse(name, `one of ${choices.map((c) => `"${c}"`).join(", ")}`);
}

export function orNull<T>(check: Check<T>): Check<T | null> {
  return (value, name) => (value === null ? null : check(value, name));
}

export function either<A, B>(first: Check<A>, second: Check<B>): Check<A | B> {
  return (value, name) => {
    try {
      return first(value, name);
    } catch {
      return second(value, name);
    }
  };
}

export function listOf<T>(check: Check<T>): Check<T[]> {
  return (value, name) =>
    Array.isArray(value) ? value.map((entry) => check(entry, `each entry of ${name}`)) : refuse(name, "a list");
}

/** Words separated by spaces, or a list of words. */
export const words: Check<string[]> = (value, name) =>
  typeof value === "string" ? value.split(/\s+/).filter((word) => word !== "") : listOf(text)(value, name);

export const stringMap: Check<Record<string, string>> = (value, name) => {
  if (typeof value !== "object" || value === null) return refuse(name, "an object whose members are strings");
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, text(entry, `${name}.${key}`)]));
};
