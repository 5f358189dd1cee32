/** Input that a test got wrong. The message names the member and says what it must be. */
export class BadInput extends Error {
  override readonly name = "BadInput";
}

/** Returns a member that is right, or throws {@link BadInput} with its name as the caller spelled it. */
export type Check<T> = (value: unknown, name: string) => T;

type Shape = Record<string, Check<unknown>>;
type Read<S extends Shape, R extends keyof S> = { [K in keyof S]?: ReturnType<S[K]> } & {
  [K in R]: ReturnType<S[K]>;
};

/** How the caller spells member names: camelCase in JavaScript, snake_case in JSON. */
export type Spelling = "camel" | "snake";

export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A member's name as the caller spells it, for messages. */
export function spelled(name: string, spelling: Spelling): string {
  return spelling === "snake" ? snakeCase(name) : name;
}

/**
 * Reads an object whose members must all be known and right. A misspelt member is an error and is never ignored: a test
 * whose fault or setting silently did not apply would pass for the wrong reason.
 *
 * @param required the members that must be there
 * @throws {BadInput} naming the member that is unknown, missing or wrong
 */
export function read<S extends Shape, R extends keyof S & string = never>(
  input: unknown,
  shape: S,
  spelling: Spelling,
  required: readonly R[] = [],
): Read<S, R> {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new BadInput("the input must be an object with named members");
  }
  const names = new Map(Object.keys(shape).map((key) => [spelled(key, spelling), key]));
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
  for (const key of required) if (result[key] === undefined) refuseMissing(spelled(key, spelling), shape[key]);
  return result as Read<S, R>;
}

/** Says that a member is missing, and what it must be: the words of its own check. */
function refuseMissing(name: string, check: Check<unknown> | undefined): never {
  try {
    check?.(undefined, name);
  } catch (error) {
    if (error instanceof BadInput) throw new BadInput(`${name} is required: ${error.message}`);
    throw error;
  }
  throw new BadInput(`${name} is required`);
}

function refuse(name: string, expected: string): never {
  throw new BadInput(`${name} must be ${expected}`);
}

export const text: Check<string> = (value, name) => (typeof value === "string" ? value : refuse(name, "a string"));

/** An e-mail address, as far as its looks say. */
export const address: Check<string> = (value, name) =>
  typeof value === "string" && /^[^\s@]+@[^\s@]+$/.test(value) ? value : refuse(name, "an e-mail address");

export const yesNo: Check<boolean> = (value, name) =>
  typeof value === "boolean" ? value : refuse(name, "true or false");

export function number(least: number, most: number = Number.MAX_SAFE_INTEGER): Check<number> {
  return (value, name) =>
    typeof value === "number" && value >= least && value <= most
      ? value
      : refuse(name, `a number from ${String(least)} to ${String(most)}`);
}

/** A whole number: half a request or half a status is a slip, and would be rounded in silence. */
export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER): Check<number> {
  return (value, name) =>
    Number.isInteger(number(least, most)(value, name))
      ? (value as number)
      : refuse(name, `a whole number from ${String(least)} to ${String(most)}`);
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
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(name, "an object whose members are strings");
  }
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, text(entry, `${name}.${key}`)]));
};
