/** A fenced block of a Markdown document. */
export interface Block {
  /** The first word after the backticks: `js`, `kotlin`, … */
  readonly language: string;
  /** What stands behind it: `server` for a command that runs until somebody stops it. */
  readonly note: string;
  /** The nearest heading of the second level above it. */
  readonly section: string;
  readonly text: string;
  /** Line of the opening fence, counted from 1. */
  readonly line: number;
}

/** The fenced blocks of a document, in order. Those in lists are set in, and lose what they are set in by. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let section = "";
  let open: { fence: string; indent: string; info: string; line: number; text: string[] } | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    const [, indent = "", fence, info = ""] = /^(\s*)(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== undefined) open = { fence, indent, info: info.trim(), line: index + 1, text: [] };
      else if (line.startsWith("## ")) section = line.slice(3);
    } else if (fence?.startsWith(open.fence) === true && info.trim() === "") {
      const [language = "", ...note] = open.info.split(" ");
      blocks.push({ language, note: note.join(" "), section, text: open.text.join("\n"), line: open.line });
      open = undefined;
    } else {
      open.text.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
    }
  }
  if (open !== undefined) throw new Error(`the block of line ${String(open.line)} has no end`);
  return blocks;
}
