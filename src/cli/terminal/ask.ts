import { createInterface } from "node:readline";

/** Where a question is asked, and where its answer comes from. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** The person's: questions go to stderr, as all talk does, so that stdout holds data alone. */
const person: Terminal = { input: process.stdin, output: process.stderr };

/** Whether somebody is there who could answer. */
export function canAsk({ input, output }: Terminal = person): boolean {
  return input.isTTY === true && output.isTTY === true;
}

/** Questions to one person, one after the other. */
export interface Conversation {
  /**
   * Asks, and returns what was typed without white space around it; undefined where the person ended the input (Ctrl+D) or
   * wanted to stop (Ctrl+C).
   */
  readonly ask: (question: string) => Promise<string | undefined>;
  /** Lets go of the terminal: the process would go on waiting for it. */
  readonly end: () => void;
}

/** Lines that are typed ahead of a question wait for it. */
export function conversation({ input, output }: Terminal = person): Conversation {
  const lines = createInterface({ input, output });
  const typed = lines[Symbol.asyncIterator]();
  let closed = false;
  lines.once("close", () => (closed = true));
  return {
    ask: async (question) => {
      // Lines that came before the input ended are still to be had; readline itself asks no more.
      if (closed) output.write(question);
      else {
        lines.setPrompt(question);
        lines.prompt();
      }
      const { done, value } = await typed.next();
      return done === true ? undefined : value.trim();
    },
    end: () => lines.close(),
  };
}

/** Asks for a yes. Everything else is a no. */
export async function confirm(question: string, terminal: Terminal = person): Promise<boolean> {
  const { ask, end } = conversation(terminal);
  try {
    return /^y(?:es)?$/i.test((await ask(`${question} [y/N] `)) ?? "");
  } finally {
    end();
  }
}
