/** A value, or the promise of it where there is something to wait for. */
export type MaybePromise<T> = T | Promise<T>;
