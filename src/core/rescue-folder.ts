/**
 * The folder where answers are kept that the store could not take, where nobody has named another: beside a SQLite file,
 * and for any other store in the working directory, as the default database is.
 *
 * @param store its kind, and where it is
 * @returns a path; undefined for a store in memory, with which every grant is gone anyway
 */
export function defaultRescueFolder({
  kind,
  location,
}: {
  readonly kind: string;
  readonly location: string;
}): string | undefined {
  if (kind !== "sqlite") return "onbehalf-rescue";
  return location === ":memory:" ? undefined : `${location}-rescue`;
}
