/** Makes the dashboard's page of src/dashboard/: a style, a script, and one more for each view, loaded with it. */
import { build } from "esbuild";

/**
 * @returns the texts of `app.js`, `app.css`, and of scripts that the first one loads. The names of these change with their texts, and stand in
 *   those that load them
 */
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
    splitting: true,
    chunkNames: "[name]-[hash]",
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
