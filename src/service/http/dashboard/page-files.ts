/**
 * The page's files. In a checkout they are made of src/dashboard/ when they are first asked for. tools/build.ts puts a module
 * with their text in the place of this one, because who installs the package has nothing that could make them.
 */
import { OnbehalfError } from "../../../core/errors.ts";

/** The texts of `app.js`, `app.css`, and the scripts that the first one loads. */
export async function pageFiles(): Promise<ReadonlyMap<string, string>> {
  const tool = new URL("../../../../tools/dashboard-page.ts", import.meta.url).href;
  try {
    const { buildPage } = (await import(tool)) as { buildPage: () => Promise<ReadonlyMap<string, string>> };
    return await buildPage();
  } catch (error) {
    throw new OnbehalfError("configuration_invalid", "the dashboard's page could not be made in this checkout", {
      hint: "run: npm ci; then start the service again",
      details: { problems: [] },
      cause: error,
    });
  }
}
