/**
 * The names of members that nobody knows, each with the one that was probably meant. Such a member would be ignored, and
 * its default be used without a word.
 *
 * @param given an object of options. A member that is undefined counts as left out
 * @param known every name that there is
 */
export function unknownNames(
  given: object,
  known: readonly string[],
): readonly { readonly name: string; readonly meant: string | undefined }[] {
  return Object.entries(given).flatMap(([name, value]) =>
    value === undefined || known.includes(name) ? [] : [{ name: shown(name), meant: nearestName(name, known) }],
  );
}

/** Whoever mixed up a name and a value may have put a secret there. */
function shown(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) ? name : "a member";
}

/** The name that was probably meant: the same in another spelling, or else the nearest by a few letters. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const same = known.find((each) => plain(each) === plain(name));
  // A comparison takes time by the product of both lengths, and no name of ours is as long as this.
  if (same !== undefined || name.length > 64) return same;
  const most = Math.min(3, Math.floor(name.length / 4));
  const [nearest] = known
    .map((each) => ({ each, away: distance(plain(each), plain(name)) }))
    .filter(({ away }) => away <= most)
    .toSorted((one, other) => one.away - other.away);
  return nearest?.each;
}

/** A name without what is easily mistaken: case, dashes, and a plural. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, "").replace(/s$/, "");
}

/** How many letters must be added, left out or replaced to make one text of the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [at, letter] of one.split("").entries()) {
    const next = [at + 1];
    for (let to = 1; to <= other.length; to += 1) {
      const replaced = (row[to - 1] ?? 0) + (letter === other[to - 1] ? 0 : 1);
      next.push(Math.min((row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
