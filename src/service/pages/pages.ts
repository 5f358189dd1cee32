/**
 * The documentation that the service serves. In a checkout it is read from the files. tools/build.ts puts a module with
 * their text in the place of this one, because beside a bundle there are no files, or somebody else's.
 */

import { globSync, readFileSync } from "node:fs";

/** Each page by its path below the service's address, such as `docs/errors.md`. What is not in here is not served. */
export const pages: ReadonlyMap<string, string> = new Map(
  globSync(["llms.txt", "*.md", "docs/**/*.md"], { cwd: root() })
    .map((path) => path.replaceAll("\\", "/"))
    .sort()
    .map((path) => [path, readFileSync(new URL(path, root()), "utf8")]),
);

function root(): URL {
  return new URL("../../../", import.meta.url);
}
