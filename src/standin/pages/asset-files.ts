/**
 * The files that pages load as they are. In a checkout they are read beside this module. tools/build.ts puts a module with
 * their text in the place of this one, because beside a bundle there are no files, or somebody else's.
 */
import { readFileSync } from "node:fs";

const names = ["gsi-client.js", "pages.css", "relay-script.js", "mark.svg"] as const;

/** Each file's text, by its name. */
export const assetFiles: ReadonlyMap<string, string> = new Map(
  names.map((name) => [name, readFileSync(new URL(name, import.meta.url), "utf8")]),
);
