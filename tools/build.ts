/** Builds dist/: JavaScript and types by tsc, then the files that are served as they are. */
import { cp, rm } from "node:fs/promises";
import { run } from "./run.ts";

const servedAsIs = /\.(?:html|css|js|svg)$/;

await rm("dist", { recursive: true, force: true });
const code = await run("tsc", ["-p", "tsconfig.build.json"]);
if (code !== 0) process.exit(code);
await cp("src", "dist", {
  recursive: true,
  filter: (source) => !/\.[^./]+$/.test(source) || servedAsIs.test(source),
});
