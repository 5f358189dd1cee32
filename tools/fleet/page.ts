/**
 * `npm run fleet:page`: makes `docs/scale.md` of `unit-costs.json` and of the results in `results/`. A test holds the page to
 * them.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { keptResults } from "./kept-results.ts";
import { scalePage } from "./scale-page.ts";
import { measuredCosts } from "./unit-costs.ts";

const path = fileURLToPath(new URL("../../docs/scale.md", import.meta.url));
const options = await resolveConfig(path);
writeFileSync(path, await format(scalePage(measuredCosts(), keptResults()), { ...options, parser: "markdown" }));
