/**
 * What is known of where master keys come from, so that another process can look there itself. Sources that only this
 * process can ask, such as a function of the app's own, have no description.
 */

/** Where master keys come from, as data. */
export type KeySourceDescription =
  | { readonly from: "environment"; readonly name: string }
  | { readonly from: "file"; readonly path: string }
  | { readonly from: "command"; readonly command: readonly string[]; readonly timeoutMs: number };

const descriptions = new WeakMap<object, KeySourceDescription>();

/** Says what a source is. */
export function describeSource<Source extends object>(source: Source, description: KeySourceDescription): Source {
  descriptions.set(source, description);
  return source;
}

/** Undefined: only this process can ask the source. */
export function descriptionOfSource(source: object): KeySourceDescription | undefined {
  return descriptions.get(source);
}
