/** Makes the dashboard's page: src/dashboard/ in two files, a script and a style, that load nothing else. */
import { build } from "esbuild";

/** @returns the text of `app.js` and `app.css` */
export async function buildPage(): Promise<ReadonlyMap<string, string>> {
  const root = new URL("../", import.meta.url).pathname;
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [
      { in: "src/dashboard/main.tsx", out: "app" },
      { in: "src/dashboard/style.css", out: "app" },
    ],
    outdir: "dist/service/http/dashboard",
    write: false,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    logLevel: "silent",
  });
  return new Map(outputFiles.map(({ path, text }) => [path.slice(path.lastIndexOf("/") + 1), text]));
}
