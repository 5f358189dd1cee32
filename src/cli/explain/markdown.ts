/** Reads what the pages say in headings, paragraphs and tables. */

/** A section of the second level. */
export interface Section {
  readonly title: string;
  /** Everything beneath the heading but tables and code, a paragraph each, without Markdown's marks. */
  readonly paragraphs: readonly string[];
  /** The items of its lists, with their marks. */
  readonly items: readonly string[];
  readonly tables: readonly Table[];
}

/** A table: cells with their marks. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The sections of a page. What stands above the first heading has an empty title. */
export function sectionsOf(markdown: string): Section[] {
  return markdown
    .replaceAll(/^```[^]*?^```$/gm, "")
    .split(/^## /m)
    .map((text, index) => {
      const end = index === 0 ? 0 : text.indexOf("\n");
      const blocks = text
        .slice(end)
        .split(/\n\s*\n/)
        .map((block) => block.trim())
        .filter((block) => block !== "");
      const isList = (block: string): boolean => block.startsWith("- ");
      const isTable = (block: string): boolean => block.startsWith("|");
      return {
        title: text.slice(0, end).trim(),
        paragraphs: blocks.filter((block) => !isList(block) && !isTable(block)).map(plain),
        items: blocks.filter(isList).flatMap((block) => block.slice(2).split(/\n- /)),
        tables: blocks.filter(isTable).map(tableOf),
      };
    });
}

function tableOf(block: string): Table {
  const [head = [], , ...rows] = block.split("\n").map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return { head, rows };
}

/** A text without the marks of links, emphasis and code, on one line. */
export function plain(markdown: string): string {
  return markdown
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/\*\*([^*]*)\*\*/g, "$1")
    .replaceAll(/(?<![\w`])_([^_`]+)_(?!\w)/g, "$1")
    .replaceAll("`", "")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/** The texts in a piece of Markdown that are marked as code. */
export function codesIn(markdown: string): string[] {
  return [...markdown.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}
