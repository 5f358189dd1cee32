import { globSync, readFileSync } from "node:fs";

/** A piece of SQL in the source of the stores. */
export interface SourceStatement {
  readonly file: string;
  readonly text: string;
  /** What a statement that was made of it contains. */
  readonly pattern: RegExp;
}

const literal = /`[^`]*`|"[^"\n]*"/g;
const isStatement = /\b(?:SELECT\s|INSERT INTO\s|DELETE FROM\s|UPDATE\s+\w+\s+SET\s)/;

/** Every piece of SQL that is written in these files, so that one which no test runs is found. */
export function sourceStatements(...patterns: readonly string[]): SourceStatement[] {
  return patterns.flatMap((pattern) =>
    globSync(pattern)
      .filter((file) => !file.endsWith("/migrations.ts"))
      .flatMap((file) => {
        const code = readFileSync(file, "utf8").replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
        return (code.match(literal) ?? [])
          .map((quoted) => quoted.slice(1, -1))
          .filter((text) => isStatement.test(text))
          .map((text) => ({ file, text: squeezed(text), pattern: patternOf(squeezed(text)) }));
      }),
  );
}

/** A statement on one line. */
export function squeezed(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

/** Values that the code puts in may be anything; parameters are numbers by the time a statement is sent. */
function patternOf(text: string): RegExp {
  const parts = text.split(/(\$\{[^}]*\}|(?<!:):[a-z]\w*)/i).map((part) => {
    if (part.startsWith("${")) return String.raw`[\s\S]*`;
    return part.startsWith(":") && !part.startsWith("::")
      ? String.raw`(?:${part}|[$?]\d+)`
      : part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  });
  return new RegExp(parts.join(""));
}
