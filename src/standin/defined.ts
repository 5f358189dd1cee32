type Optional<T> = { [K in keyof T as undefined extends T[K] ? K : never]: T[K] };
type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] };

/** `T` without its undefined members: those that may be undefined may be absent instead. */
export type Defined<T> = Present<T> & { [K in keyof Optional<T>]?: Exclude<Optional<T>[K], undefined> };

/** The members that are not undefined. The stand-in imports nothing of the rest, so it has a copy of its own. */
export function defined<T extends object>(members: T): Defined<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>;
}
