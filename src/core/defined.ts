type Optional<T> = { [K in keyof T as undefined extends T[K] ? K : never]: T[K] };
type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] };

/** `T`, where each member that may be undefined is optional instead. */
export type Defined<T> = Present<T> & { [K in keyof Optional<T>]?: Exclude<Optional<T>[K], undefined> };

/**
 * A copy without the members that are undefined. A member that is there and undefined would overrule a default, and
 * JSON and SQL treat it differently from one that is absent.
 */
export function defined<T extends object>(members: T): Defined<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>;
}
