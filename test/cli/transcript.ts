/**
 * Transcripts of the command line: what is typed, and what must come of it.
 *
 *     # a sentence; the first lines of all name the transcript
 *     $ command                a line of bash, in a folder of its own; it must end with 0 unless said otherwise
 *     & name: command          the same in the background; the next line waits for its first line on stdout
 *     % name [TERM]            a signal to it, if one is named, and waiting until it has ended
 *     > NAME                   keeps stdout of the last one as a variable
 *     > NAME .member           the same of one member of its JSON
 *     ! exit 3                 how the last one ended; 128 more than the number of the signal that did it
 *     ! stdout PATTERN         a regular expression that it must match; . does not match line ends, ^ and $ do
 *     ! stderr PATTERN
 *     ! no stdout [PATTERN]    it must not match; without a pattern, there must be nothing at all
 *     ! no stderr [PATTERN]
 */
export interface Transcript {
  readonly title: string;
  readonly steps: readonly Step[];
}

export interface Step {
  /** Counted from 1. */
  readonly line: number;
  readonly act:
    | { readonly kind: "run"; readonly command: string }
    | { readonly kind: "start"; readonly name: string; readonly command: string }
    | { readonly kind: "end"; readonly name: string; readonly signal: NodeJS.Signals | undefined };
  readonly keep: readonly { readonly name: string; readonly member: string | undefined }[];
  readonly expect: readonly Expectation[];
}

export type Expectation =
  | { readonly line: number; readonly of: "exit"; readonly code: number }
  | {
      readonly line: number;
      readonly of: "stdout" | "stderr";
      readonly matches: boolean;
      readonly pattern: RegExp | undefined;
    };

/** Reads a transcript. A line that is none of the kinds above is an error: it would otherwise test nothing. */
export function parseTranscript(text: string): Transcript {
  const title: string[] = [];
  const steps: (Step & { keep: Step["keep"][number][]; expect: Expectation[] })[] = [];
  for (const [index, content] of text.split("\n").entries()) {
    const line = index + 1;
    const step = steps.at(-1);
    if (content.startsWith("#")) {
      if (index === title.length) title.push(content.replace(/^# ?/, ""));
    } else if (/^[$&%] /.test(content)) {
      steps.push({ line, act: actOf(content, line), keep: [], expect: [] });
    } else if (content.startsWith("! ") && step !== undefined) {
      step.expect.push(expectationOf(content, line));
    } else if (content.startsWith("> ") && step !== undefined) {
      const [, name = "", member] = /^> ([A-Z_]+)(?: \.(\w+))?$/.exec(content) ?? [];
      if (name === "") throw unreadable(line, content);
      step.keep.push({ name, member });
    } else if (content.trim() !== "") throw unreadable(line, content);
  }
  return { title: title.join(" "), steps };
}

function actOf(content: string, line: number): Step["act"] {
  const rest = content.slice(2);
  if (content.startsWith("$")) return { kind: "run", command: rest };
  if (content.startsWith("&")) {
    const [, name = "", command = ""] = /^(\w+): (.+)$/.exec(rest) ?? [];
    if (name !== "") return { kind: "start", name, command };
  } else {
    const [, name = "", signal] = /^(\w+)(?: (TERM|INT))?$/.exec(rest) ?? [];
    if (name !== "")
      return { kind: "end", name, signal: signal === undefined ? undefined : (`SIG${signal}` as NodeJS.Signals) };
  }
  throw unreadable(line, content);
}

function expectationOf(content: string, line: number): Expectation {
  const code = /^! exit (\d+)$/.exec(content)?.[1];
  if (code !== undefined) return { line, of: "exit", code: Number(code) };
  const [whole, no, of, pattern] = /^! (no )?(stdout|stderr)(?: (.+))?$/.exec(content) ?? [];
  const matches = no === undefined;
  if (whole === undefined || (matches && pattern === undefined)) throw unreadable(line, content);
  return {
    line,
    of: of as "stdout" | "stderr",
    matches,
    pattern: pattern === undefined ? undefined : new RegExp(pattern, "m"),
  };
}

function unreadable(line: number, content: string): Error {
  return new Error(`line ${line} is no line of a transcript: ${content}`);
}
