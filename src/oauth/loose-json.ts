/** An object that stands in a text. */
export interface LooseObject {
  readonly members: Record<string, unknown>;
  /** False: the text ends before the object does, so that members may be missing. */
  readonly isWhole: boolean;
}

/** What {@link readLoosely} finds in a text. */
export interface LooseText {
  /** The objects that stand side by side in it. */
  readonly objects: readonly LooseObject[];
  /** Every member at any depth in its order, also those that one of the same name hides. */
  readonly pairs: readonly (readonly [name: string, value: unknown])[];
}

/**
 * A string, a sign, or a bare word. A string in single quotes has no double quotes in it, or an apostrophe would begin
 * one. A string without an end takes what is left, so that reading takes no longer than the text is long.
 */
const lexemes = /"(?:[^"\\]|\\[^])*("|\\?$)|'(?:[^'"\\]|\\[^])*('|(?=")|\\?$)|[{}[\]:,]|[^\s"'{}[\]:,]+/g;

const deepest = 32;

/**
 * Reads JSON, and what was meant to be JSON: with commas too many, single quotes, other text around it, or cut off
 * anywhere. A string that has not come whole is no value.
 */
export function readLoosely(text: string): LooseText {
  const reader = new Reader(text.slice(Math.max(text.indexOf("{"), 0)));
  return { objects: reader.objects(), pairs: reader.pairs };
}

/** What stands for a value that has not come whole. */
const missing = Symbol("missing");

class Reader {
  readonly pairs: (readonly [string, unknown])[] = [];
  readonly #found: readonly string[];
  #at = 0;
  /** Whether the object that was read last had its closing brace. That of an object within it says nothing about it. */
  #isClosed = false;

  constructor(text: string) {
    this.#found = [...text.matchAll(lexemes)].map(([lexeme, inDouble, inSingle]) =>
      /^["']$/.test(inDouble ?? inSingle ?? '"') ? lexeme : "",
    );
  }

  objects(): LooseObject[] {
    const objects: LooseObject[] = [];
    while (this.#at < this.#found.length) {
      if (this.#found[this.#at++] !== "{") continue;
      const members = this.#object(1);
      objects.push({ members, isWhole: this.#isClosed });
    }
    return objects;
  }

  /** Reads the members up to the closing brace, or to the end. */
  #object(depth: number): Record<string, unknown> {
    const members: [string, unknown][] = [];
    let lexeme = this.#next();
    for (; lexeme !== undefined && lexeme !== "}"; lexeme = this.#next()) {
      if (this.#found[this.#at] !== ":" || isSign(lexeme)) continue;
      this.#at += 1;
      const name = String(literal(lexeme));
      const value = this.#value(depth);
      if (value === missing) continue;
      members.push([name, value]);
      this.pairs.push([name, value]);
    }
    this.#isClosed = lexeme === "}";
    return Object.fromEntries(members);
  }

  #list(depth: number): unknown[] {
    const values: unknown[] = [];
    // A brace that no object of the list has opened ends the object around it, and the list with it. To read on here would
    // never end.
    while (this.#at < this.#found.length && !["]", "}"].includes(this.#found[this.#at] ?? "")) {
      const value = this.#value(depth);
      if (value !== missing) values.push(value);
    }
    if (this.#found[this.#at] === "]") this.#at += 1;
    return values;
  }

  #value(depth: number): unknown {
    const lexeme = this.#next();
    if (lexeme === undefined || lexeme === "") return missing;
    if (lexeme === "{" && depth < deepest) return this.#object(depth + 1);
    if (lexeme === "[" && depth < deepest) return this.#list(depth + 1);
    if (lexeme === "}" && depth > 0) this.#at -= 1;
    if (isSign(lexeme)) return missing;
    // Of a bare word, only what follows it shows that it is all there.
    return /^["']/.test(lexeme) || this.#at < this.#found.length ? literal(lexeme) : missing;
  }

  #next(): string | undefined {
    return this.#at < this.#found.length ? this.#found[this.#at++] : undefined;
  }
}

function isSign(lexeme: string): boolean {
  return lexeme.length === 1 && "{}[]:,".includes(lexeme);
}

/** What a string or a bare word spells. */
function literal(lexeme: string): unknown {
  try {
    return JSON.parse(lexeme) as unknown;
  } catch {
    // A string with a line end in it or in single quotes, or a word that is no JSON.
    return /^["']/.test(lexeme) ? lexeme.slice(1, -1) : lexeme;
  }
}
