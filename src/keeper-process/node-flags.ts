/** Pure: which of a program's flags for Node the processes beside it are given that hold its secrets. */

/**
 * Flags that say whom to trust, how to reach others, and what a process may touch: the keeper must go by the same. Nothing
 * else is passed on: no module that the app loads first, no debugger, no test runner and no profiler, which would run in
 * the process that opens refresh tokens.
 */
const passedOn =
  /^--(?:use-(?:system|openssl|bundled)-ca|openssl-[a-z-]+|(?:enable|force)-fips|tls-(?!keylog)[a-z0-9.-]+|secure-heap(?:-min)?|dns-result-order|(?:no-)?network-family-autoselection(?:-attempt-timeout)?|(?:no-)?use-env-proxy|max-http-header-size|insecure-http-parser|icu-data-dir|max-(?:old-space|semi-space|heap)-size|no-warnings|disable-warning|(?:no-)?deprecation|permission|allow-[a-z-]+|(?:no-)?(?:experimental-)?strip-types)$/;

/**
 * Of flags, those that a keeper's process is given.
 *
 * @param flags as in `process.execArgv`: a value follows its flag, or stands behind `=`
 */
export function flagsForKeeper(flags: readonly string[]): string[] {
  return keptOf(flags, (flag) => flag);
}

/** @param read says what Node reads where a word is written so */
function keptOf(words: readonly string[], read: (word: string) => string): string[] {
  const kept: string[] = [];
  let isKept = false;
  for (const word of words) {
    const flag = read(word);
    // What does not begin with a dash is the value of the flag before it.
    if (flag.startsWith("-")) isKept = passedOn.test((flag.split("=")[0] ?? "").replaceAll("_", "-"));
    if (isKept) kept.push(word);
  }
  return kept;
}

/**
 * The same for `NODE_OPTIONS`.
 *
 * @param options words that white space separates; quotes keep it, and a backslash keeps a quote
 * @see https://nodejs.org/api/cli.html#node_optionsoptions
 */
export function nodeOptionsForKeeper(options: string): string {
  const words = options.match(/(?:"(?:\\.|[^"\\])*"|[^\s"])+/g) ?? [];
  // A flag may itself stand in quotes: taken for the value of the one before it, it would bring the app's modules along.
  return keptOf(words, withoutQuotes).join(" ");
}

function withoutQuotes(word: string): string {
  return word.replaceAll(/"((?:\\.|[^"\\])*)"/g, (_, quoted: string) => quoted.replaceAll(/\\(.)/g, "$1"));
}

/** The same for variables: of `NODE_OPTIONS`, what a process that holds secrets is given, and all others as they are. */
export function variablesForKeeper({ NODE_OPTIONS: options, ...others }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return options === undefined ? others : { ...others, NODE_OPTIONS: nodeOptionsForKeeper(options) };
}
