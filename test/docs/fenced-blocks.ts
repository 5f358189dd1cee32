/** A fenced block of a Markdown document. */
export interface Block {
  /** What stands after the backticks: `js`, `kotlin`, … */
  readonly language: string;
  /** The nearest heading of the second level above it. */
  readonly section: string;
  readonly text: string;
  /** Line of the opening fence, counted from 1. */
  readonly line: number;
}

/** The fenced blocks of a document, in order. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let section = "";
  let open: { language: string; line: number; text: string[] } | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    const fence = /^```(.*)$/.exec(line);
    if (open === undefined) {
      if (fence !== null) open = { language: fence[1] ?? "", line: index + 1, text: [] };
      else if (line.startsWith("## ")) section = line.slice(3);
    } else if (fence === null) {
      open.text.push(line);
    } else {
      blocks.push({ language: open.language, section, text: open.text.join("\n"), line: open.line });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`the block of line ${String(open.line)} has no end`);
  return blocks;
}

/** The anchors that headings get on the usual code hosts. */
export function anchorsOf(markdown: string): Set<string> {
  const headings = markdown.match(/^#{1,6} .*$/gm) ?? [];
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/^#+ /, "")
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
