/**
 * `npm run bench:page`: makes `docs/performance.md` of the results in `bench/results/`. With `--check` it writes nothing, and fails
 * where the page is another one.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { format, resolveConfig } from "prettier";
import { performancePage } from "./performance-page.ts";
import { committedResults } from "./results.ts";

const path = new URL("../docs/performance.md", import.meta.url);
const options = await resolveConfig(path);
const page = await format(performancePage(committedResults()), { ...options, parser: "markdown" });
if (!process.argv.includes("--check")) writeFileSync(path, page);
else if (readFileSync(path, "utf8") !== page) {
  process.stderr.write("docs/performance.md is not what bench/results/ says: npm run bench:page\n");
  process.exitCode = 1;
}
