/** docs/errors.md as a module. Were the file read when it is asked for, a bundled program would not find it. */
import { readFileSync } from "node:fs";

/** The text of `src/vault/http/errors-page-text.ts`. */
export function errorsPageModule(): string {
  const text = readFileSync(new URL("../docs/errors.md", import.meta.url), "utf8").replaceAll("\r\n", "\n");
  return `/* Written by tools/embed-errors-page.ts from docs/errors.md: change that, and not this one. */
export const errorsPageText: string = \`${text.replaceAll(/\\|`|\$\{/g, (special) => `\\${special}`)}\`;
`;
}
