/**
 * Makes stack traces name the files that a bundle was made of. The build puts this into each bundle of the package and
 * nowhere else. Node can do the same, and then reads each map while it loads the bundle, which a start would wait for.
 */
import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";

const maps = new Map<string, SourceMap | undefined>();

if (!process.sourceMapsEnabled) {
  Error.prepareStackTrace = (error, frames) => {
    // oxlint-disable-next-line typescript/no-base-to-string -- a frame has a text of its own
    const where = frames.map((frame) => `\n    at ${withSource(String(frame))}`);
    return `${String(error)}${where.join("")}`;
  };
}

/** A frame with the place in the file that the bundle was made of, where there is a map that knows it. */
function withSource(frame: string): string {
  return frame.replace(/(file:\/\/[^\s()]+):(\d+):(\d+)/, (place, url: string, line: string, column: string) => {
    const entry = mapOf(url)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (entry === undefined || !("originalSource" in entry)) return place;
    const { originalSource, originalLine, originalColumn } = entry;
    return `${new URL(originalSource, url).href}:${originalLine + 1}:${originalColumn + 1}`;
  });
}

/** Read when something went wrong first. */
function mapOf(url: string): SourceMap | undefined {
  if (maps.has(url)) return maps.get(url);
  let map: SourceMap | undefined;
  try {
    map = new SourceMap(
      JSON.parse(readFileSync(new URL(`${url}.map`), "utf8")) as ConstructorParameters<typeof SourceMap>[0],
    );
  } catch {
    // A file that is no bundle, or whose map was not installed: its own places have to do.
  }
  maps.set(url, map);
  return map;
}
