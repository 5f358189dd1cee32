import { OnbehalfError, invalidRequest } from "../../core/errors.ts";

/**
 * How many parameters a request may have. The whole answer to a sign-in has about twenty. To read thousands of names
 * takes so long that a stranger could keep the server from everybody else's requests.
 */
const mostParameters = 256;

/**
 * The parameters of a request. What nobody asks for is never looked at: a request may hold more than we know, of any
 * type, and that must not keep the code in it from being taken.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.1
 */
export class Parameters {
  readonly #members: ReadonlyMap<string, unknown>;

  /** @param members by name; one that is undefined cannot be read as text */
  constructor(members: ReadonlyMap<string, unknown>) {
    this.#members = members;
  }

  /** Whether the request names this parameter, whatever it holds. */
  has(name: string): boolean {
    return this.#members.has(name);
  }

  /**
   * A parameter that is text.
   *
   * @returns undefined where the request does not name it
   * @throws {OnbehalfError} `invalid_request`: it is no text
   */
  get(name: string): string | undefined {
    if (!this.has(name)) return undefined;
    const value = this.#members.get(name);
    if (typeof value === "string") return value;
    throw value === undefined
      ? invalidParameter(name, "must be percent-encoded UTF-8", "encode the parameter as UTF-8")
      : invalidParameter(name, "must be a string", `send ${printable(name)} as a string, or leave it out`);
  }

  /**
   * A parameter that is true or false: as JSON has it, or as text.
   *
   * @returns undefined where the request does not name it
   * @throws {OnbehalfError} `invalid_request`: it is neither
   */
  flag(name: string): boolean | undefined {
    const value = this.#members.get(name);
    if (typeof value === "boolean") return value;
    const text = this.get(name);
    if (text === undefined || text === "true" || text === "false")
      return text === undefined ? undefined : text === "true";
    throw invalidParameter(name, "must be true or false", `send ${printable(name)} as true, or leave it out`);
  }

  /**
   * A parameter that is a number: as JSON has it, or as digits.
   *
   * @returns undefined where the request does not name it; NaN where it is something else
   */
  number(name: string): number | undefined {
    const value = this.#members.get(name);
    if (typeof value === "number") return value;
    const text = this.get(name);
    if (text === undefined) return undefined;
    return /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  }

  /**
   * A parameter that is a list of words: text with spaces or commas between them, or a JSON array of texts.
   *
   * @returns undefined where the request does not name it
   * @throws {OnbehalfError} `invalid_request`: it is neither
   */
  words(name: string): readonly string[] | undefined {
    const value = this.#members.get(name);
    if (!Array.isArray(value)) return wordsIn(this.get(name));
    return value.flatMap((each: unknown) => {
      if (typeof each === "string") return wordsIn(each);
      throw invalidParameter(name, "must be a string or an array of strings", "send strings only");
    });
  }

  /**
   * A parameter that is a list of texts: a JSON array, whose texts stand as they are; or text with spaces or commas between
   * them.
   *
   * @returns undefined where the request does not name it
   * @throws {OnbehalfError} `invalid_request`: it is neither
   */
  list(name: string): readonly string[] | undefined {
    const value = this.#members.get(name);
    if (!Array.isArray(value)) return wordsIn(this.get(name));
    if (value.every((each) => typeof each === "string")) return value;
    throw invalidParameter(name, "must be a string or an array of strings", "send strings only");
  }

  /**
   * A parameter that is a whole number: as JSON has it, or as digits.
   *
   * @returns undefined where the request does not name it
   * @throws {OnbehalfError} `invalid_request`: it is none, or outside `from` to `to`
   */
  wholeNumber(name: string, from: number, to: number): number | undefined {
    if (!this.has(name)) return undefined;
    const given = this.#members.get(name);
    const value = typeof given === "string" && /^\d{1,15}$/.test(given) ? Number(given) : given;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= from && value <= to) return value;
    throw invalidParameter(
      name,
      `must be a whole number from ${from} to ${to}`,
      `send ${printable(name)} as such a number, or leave it out`,
    );
  }
}

function wordsIn(text: string): string[];
function wordsIn(text: string | undefined): string[] | undefined;
function wordsIn(text: string | undefined): string[] | undefined {
  return text?.split(/[\s,]+/).filter((each) => each !== "");
}

/**
 * Reads the parameters of a query.
 *
 * @throws {OnbehalfError} `invalid_request`: a parameter is there twice, or is not UTF-8
 */
export function formOf(text: string): ReadonlyMap<string, string> {
  const members = formMembers(text);
  for (const name of members.keys()) new Parameters(members).get(name);
  return members as ReadonlyMap<string, string>;
}

/**
 * Reads the parameters of a form. One whose bytes are not UTF-8 is undefined: decoding would put other characters in
 * the place of what was sent.
 *
 * @throws {OnbehalfError} `invalid_request`: a parameter is there twice, or there are more than 256
 * @see https://url.spec.whatwg.org/#application/x-www-form-urlencoded
 */
export function formMembers(text: string): ReadonlyMap<string, string | undefined> {
  const members = new Map<string, string | undefined>();
  // Split no further than needed to see that there are too many.
  const pairs = text.replace(/^\?/, "").split("&", mostParameters + 1);
  if (pairs.length > mostParameters) throw tooMany();
  for (const pair of pairs) {
    // The ampersand in front keeps a question mark that begins a name.
    for (const [name, value] of new URLSearchParams(`&${pair}`)) {
      if (members.has(name)) throw repeated(name);
      members.set(name, isUtf8(pair) ? value : undefined);
    }
  }
  return members;
}

function isUtf8(pair: string): boolean {
  return (pair.match(/(?:%[0-9a-f]{2})+/gi) ?? []).every((bytes) => {
    try {
      return decodeURIComponent(bytes) !== "";
    } catch {
      return false;
    }
  });
}

/**
 * Reads the parameters in a JSON object. A member that is null counts as absent.
 *
 * @throws {OnbehalfError} `invalid_request`: the text is no JSON object, has a member twice, or more than 256
 */
export function jsonMembers(text: string): ReadonlyMap<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new OnbehalfError("invalid_request", "the body must be valid JSON", {
      hint: "send one JSON object, or a form",
      details: {},
    });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new OnbehalfError("invalid_request", "the body must be a JSON object", {
      hint: "send one JSON object with string members",
      details: {},
    });
  }
  if (Object.keys(value).length > mostParameters) throw tooMany();
  const twice = repeatedMember(text);
  if (twice !== undefined) throw repeated(twice);
  return new Map(Object.entries(value).filter(([, member]) => member !== null));
}

/**
 * A name that the outermost object has twice; undefined where there is none. `JSON.parse` keeps the last value, but
 * another program on the way may have checked the first.
 *
 * @param json a valid JSON object
 * @see https://www.rfc-editor.org/rfc/rfc8259#section-4
 */
function repeatedMember(json: string): string | undefined {
  const names = new Set<string>();
  let depth = 0;
  for (const [token, literal, colon] of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g)) {
    if (literal === undefined) depth += token === "{" || token === "[" ? 1 : -1;
    else if (depth === 1 && colon !== undefined) {
      const name = JSON.parse(literal) as string;
      if (names.has(name)) return name;
      names.add(name);
    }
  }
  return undefined;
}

function tooMany(): OnbehalfError<"invalid_request"> {
  return invalidRequest(
    `the request must have at most ${mostParameters} parameters`,
    "send only what the documentation names",
  );
}

function repeated(name: string): OnbehalfError<"invalid_request"> {
  return invalidParameter(name, "was sent more than once", "send each parameter once");
}

/** A parameter's name, where it is short and plain enough for a message. The client chose it. */
function printable(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) ? name : "a parameter";
}

function invalidParameter(name: string, what: string, hint: string): OnbehalfError<"invalid_request"> {
  const shown = printable(name);
  const details = shown === name ? { parameter: name } : {};
  return new OnbehalfError("invalid_request", `${shown} ${what}`, { hint, details });
}
