/**
 * The text of docs/errors.md. In a checkout it is read from the file. tools/build.ts puts a module with the text in the
 * place of this one, because beside a bundle there is no such file, or somebody else's.
 */
import { readFileSync } from "node:fs";

export const errorsPageText: string = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
