/**
 * Splits a command line into its words, as far as no shell is needed: white space separates, and quotes of either kind
 * keep white space. There are no escapes, variables, patterns or pipes. What only a shell would understand is refused,
 * since a program would get it as a word of its own.
 *
 * @returns the words, the program first; or what is wrong, which repeats nothing of the line
 */
export function commandWords(line: string): readonly [string, ...string[]] | { readonly problem: string } {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (const letter of line) {
    if (letter === "\0") return { problem: "has a zero byte in it" };
    if (quote !== undefined) {
      if (letter === quote) quote = undefined;
      else word += letter;
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= "";
    } else if (/\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (forShells.has(letter) || (letter === "~" && word === undefined)) {
      return { problem: `has an unquoted ${letter} in it, which only a shell understands` };
    } else word = (word ?? "") + letter;
  }
  if (quote !== undefined) return { problem: `has a ${quote} that is not closed` };
  if (word !== undefined) words.push(word);
  const [program, ...rest] = words;
  return program === undefined || program === "" ? { problem: "names no program" } : [program, ...rest];
}

const forShells: ReadonlySet<string> = new Set("|&;<>()$`*?[]#!{}");
