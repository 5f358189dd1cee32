/** A string, or a sign that begins, ends or divides something. Numbers and words are passed over. */
const lexemes = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/**
 * Whether any object in a text, at any depth, has a member of the same name twice. JSON.parse takes the last of them, and
 * other readers the first. Names are compared as they are meant: `"sub"` and `"\\u0073ub"` are one.
 *
 * @param json valid JSON
 * @see https://www.rfc-editor.org/rfc/rfc8259#section-4
 */
export function repeatsMember(json: string): boolean {
  /** The names of each object that has begun; undefined for an array. */
  const open: (Set<string> | undefined)[] = [];
  let last = "";
  for (const [lexeme] of json.matchAll(lexemes)) {
    if (lexeme === "{") open.push(new Set());
    else if (lexeme === "[") open.push(undefined);
    else if (lexeme === "}" || lexeme === "]") open.pop();
    else if (lexeme === ":") {
      const names = open.at(-1);
      const name = JSON.parse(last) as string;
      if (names?.has(name) === true) return true;
      names?.add(name);
    }
    last = lexeme;
  }
  return false;
}
