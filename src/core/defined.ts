type Optional<T> = { [K in keyof T as undefined extends T[K] ? K : never]: T[K] };
type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] };

/** `T` without its undefined members: those that may be undefined may be absent instead. */
export type Defined<T> = Present<T> & { [K in keyof Optional<T>]?: Exclude<Optional<T>[K], undefined> };

/**
 * The members that are not undefined.
 * An option that is absent means "not said"; one that is `undefined` would overrule a default, and in JSON and SQL the
 * two are not the same either.
 */
export function defined<T extends object>(members: T): Defined<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>;
}
