/** Builds dist/: JavaScript and types by tsc, then the files that are served as they are. */
import { constants, copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { pages } from "../src/service/pages/pages.ts";
import { assetFiles } from "../src/standin/pages/asset-files.ts";
import { errorsPageText } from "../src/vault/http/errors-page-text.ts";
import { bundlePrograms } from "./bundle.ts";
import { buildPage } from "./dashboard-page.ts";
import { run } from "./run.ts";

rmSync("dist", { recursive: true, force: true });
// The page's client is a project of its own: it has the DOM and no Node, everything else has it the other way round.
const codes = await Promise.all([
  run("tsc", ["-p", "tsconfig.build.json"]),
  run("tsc", ["-p", "src/browser/tsconfig.json", "--noEmit", "false"]),
]);
if (Math.max(...codes) !== 0) process.exit(Math.max(...codes));
// The dashboard's are in its page.
for (const file of globSync("src/**/*.{html,css,js,svg}", { exclude: ["src/dashboard/**"] })) {
  const target = file.replace(/^src/, "dist");
  mkdirSync(dirname(target), { recursive: true });
  // Never over one that was built: a script and a module of one name would take each other's place.
  copyFileSync(file, target, constants.COPYFILE_EXCL);
}
// Their own modules read them from files, which a bundle does not have.
for (const [module, name, texts] of [
  ["service/pages/pages", "pages", pages],
  ["standin/pages/asset-files", "assetFiles", assetFiles],
] as const) {
  const embedded = JSON.stringify([...texts], undefined, 1);
  writeFileSync(`dist/${module}.js`, `export const ${name} = new Map(${embedded});\n`);
}
for (const file of typesOfEntries()) {
  // A program without types of its own for Node, or one that lists the types that it wants, finds those that we bring.
  writeFileSync(file, `/// <reference types="node" />\n${readFileSync(file, "utf8")}`);
}

writeFileSync(
  "dist/service/http/dashboard/page-files.js",
  `const files = new Map(${JSON.stringify([...(await buildPage())])});\nexport const pageFiles = async () => files;\n`,
);
writeFileSync(
  "dist/vault/http/errors-page-text.js",
  `export const errorsPageText = ${JSON.stringify(errorsPageText)};\n`,
);
// Of what is there by now, so that both have the same.
await bundlePrograms();

/** The types of each entry point but the page's, which knows no Node. */
function typesOfEntries(): string[] {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
    readonly exports: Readonly<Record<string, { readonly types: string }>>;
  };
  return Object.entries(exports).flatMap(([name, { types }]) => (name === "./browser" ? [] : [types]));
}
