/** Exits non-zero when a source file stands where no rule of .oxlintrc.json says what it may import. */
import { badlyCovered, sourceFiles } from "./layers.ts";

const wrong = badlyCovered(sourceFiles());
for (const line of wrong) process.stderr.write(`${line}\n`);
process.exit(wrong.length > 0 ? 1 : 0);
