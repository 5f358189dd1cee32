/**
 * `node tools/structure.ts [FOLDER]`: what imports what, one level of folders after the other, drawn from the imports
 * themselves (those of types, too). Exits 1 where a level has a circle: its parts can then only be read all at once.
 */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, posix, relative } from "node:path";

/** What each child of a folder imports of its siblings. */
type Arrows = ReadonlyMap<string, ReadonlySet<string>>;

const root = process.argv[2] ?? "src";
if (!existsSync(root)) {
  process.stderr.write(`there is no folder ${root}\n`);
  process.exit(2);
}

const files = globSync(`${root}/**/*.{ts,js}`).map((file) => relative(".", file).replaceAll("\\", "/"));
const imports = new Map(files.map((file) => [file, importsOf(file)]));

let levelsWithCircle = 0;
for (const folder of foldersWithChildren()) {
  const arrows = arrowsIn(folder);
  const circles = circlesIn(arrows);
  if (circles.length > 0) levelsWithCircle += 1;
  process.stdout.write(`${folder}\n${drawn(arrows)}${circles.map((each) => explained(folder, each)).join("")}\n`);
}
process.stdout.write(levelsWithCircle === 0 ? "no circles\n" : `circles at ${levelsWithCircle} levels\n`);
process.exitCode = levelsWithCircle === 0 ? 0 : 1;

/** The files of ours that a file imports, or exports from. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8").replaceAll(/\/\*[^]*?\*\//g, "");
  return [...text.matchAll(/(?:\bfrom|\bimport\(?)\s*"(\.{1,2}\/[^"]+)"/g)].map(([, specifier = ""]) =>
    posix.join(dirname(file), specifier),
  );
}

function foldersWithChildren(): string[] {
  const folders = new Set(files.flatMap((file) => ancestors(file)));
  return [...folders].filter((folder) => `${folder}/`.startsWith(`${root}/`)).sort();
}

function ancestors(file: string): string[] {
  const folder = dirname(file);
  return folder === "." ? [] : [folder, ...ancestors(folder)];
}

/** `keeper/` for everything in that folder; undefined for what lies elsewhere. */
function childOf(folder: string, file: string): string | undefined {
  if (!file.startsWith(`${folder}/`)) return undefined;
  const [first = "", ...rest] = file.slice(folder.length + 1).split("/");
  return rest.length === 0 ? first : `${first}/`;
}

function arrowsIn(folder: string): Arrows {
  const arrows = new Map<string, Set<string>>();
  for (const [file, imported] of imports) {
    const from = childOf(folder, file);
    if (from === undefined) continue;
    const known = arrows.get(from) ?? new Set();
    arrows.set(from, known);
    for (const each of imported) {
      const to = childOf(folder, each);
      if (to !== undefined && to !== from) known.add(to);
    }
  }
  return arrows;
}

/** Importers above what they import. */
function drawn(arrows: Arrows): string {
  const width = Math.max(...[...arrows.keys()].map((name) => name.length));
  const lines = [...arrows.keys()]
    .toSorted((a, b) => depth(arrows, b) - depth(arrows, a) || a.localeCompare(b))
    .map((name) => {
      const targets = [...(arrows.get(name) ?? [])].sort();
      return `  ${name.padEnd(width)}${targets.length === 0 ? "" : `  -> ${targets.join(" ")}`}`.trimEnd();
    });
  return `${lines.join("\n")}\n`;
}

/** The longest way down from here; a circle is counted once. */
function depth(arrows: Arrows, name: string, above: readonly string[] = []): number {
  const below = [...(arrows.get(name) ?? [])].filter((each) => !above.includes(each));
  return Math.max(0, ...below.map((each) => 1 + depth(arrows, each, [...above, name])));
}

/** Everything that a child imports, and what that imports, and so on. */
function reachedFrom(arrows: Arrows, name: string): Set<string> {
  const reached = new Set<string>();
  const follow = (from: string): void => {
    for (const to of arrows.get(from) ?? []) {
      if (reached.has(to)) continue;
      reached.add(to);
      follow(to);
    }
  };
  follow(name);
  return reached;
}

/** Children that reach each other, in groups. */
function circlesIn(arrows: Arrows): string[][] {
  const reached = new Map([...arrows.keys()].map((name) => [name, reachedFrom(arrows, name)]));
  const inCircle = [...arrows.keys()].filter((name) => reached.get(name)?.has(name) === true);
  const groups = Map.groupBy(inCircle, (name) =>
    inCircle.find((other) => reached.get(name)?.has(other) === true && reached.get(other)?.has(name) === true),
  );
  return [...groups.values()];
}

/** The arrows within a circle with the imports behind each, those with the fewest first: they are the ones to cut. */
function explained(folder: string, circle: readonly string[]): string {
  const arrows = circle
    .flatMap((from) => circle.map((to) => ({ from, to, behind: importsBetween(folder, from, to) })))
    .filter(({ from, to, behind }) => from !== to && behind.length > 0)
    .toSorted((a, b) => a.behind.length - b.behind.length);
  const lines = arrows.map(({ from, to, behind }) => {
    const rest = behind.length > 3 ? `, and ${behind.length - 3} more` : "";
    return `    ${from} -> ${to}: ${behind.slice(0, 3).join(", ")}${rest}\n`;
  });
  return `  CIRCLE of ${circle.join(" ")}\n${lines.join("")}`;
}

function importsBetween(folder: string, from: string, to: string): string[] {
  return [...imports].flatMap(([file, imported]) =>
    childOf(folder, file) === from
      ? [...new Set(imported)]
          .filter((each) => childOf(folder, each) === to)
          .map((each) => `${relative(folder, file)} (${relative(folder, each)})`)
      : [],
  );
}
