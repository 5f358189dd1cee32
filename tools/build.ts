/** Builds dist/: JavaScript and types by tsc, then the files that are served as they are. */
import { cp, rm } from "node:fs/promises";
import { run } from "./run.ts";

const servedAsIs = /\.(?:html|css|js|svg)$/;

await rm("dist", { recursive: true, force: true });
// The page's client is a project of its own: it has the DOM and no Node, everything else has it the other way round.
const codes = await Promise.all([
  run("tsc", ["-p", "tsconfig.build.json"]),
  run("tsc", ["-p", "src/browser/tsconfig.json", "--noEmit", "false"]),
]);
if (Math.max(...codes) !== 0) process.exit(Math.max(...codes));
await cp("src", "dist", {
  recursive: true,
  filter: (source) => !/\.[^./]+$/.test(source) || servedAsIs.test(source),
});
