import type { GrantRef } from "../../core/grant.ts";

/** What references mean: the token of a grant. */
interface Meant<T> {
  readonly grantId: string;
  references: readonly KnownReference<T>[];
}

/** A reference by which callers asked for a token: a subject or a user id. A grant's own id needs none. */
export interface KnownReference<T> {
  /** Where it lies, and under which key. */
  readonly home: Map<string, KnownReference<T>>;
  readonly key: string;
  /** What it means; another one once the token was refreshed. */
  token: T;
  /** Of every hash that it was looked up by. A grant that gets one of them may be meant as well. */
  readonly fingerprints: readonly number[];
  /** Of every hash that its label may stand for. Undefined: it has none. */
  readonly labels: readonly number[] | undefined;
  /** Whether it still means that. What was made of it is good for as long. */
  isKept: boolean;
}

/** How many references to one grant are kept. A grant has few; each provider and label beside one makes another. */
const mostOfOne = 16;

/** The references of tokens that are held, by what callers wrote and by what they were looked up by. */
export class References<T extends Meant<T>> {
  /** The two kinds that name neither provider nor account are found without putting a key together. */
  readonly #externalIds = new Map<string, KnownReference<T>>();
  readonly #subjects = new Map<string, KnownReference<T>>();
  readonly #others = new Map<string, KnownReference<T>>();
  /** Those that were looked up by a hash with this fingerprint. */
  readonly byFingerprint: Map<number, KnownReference<T> | Set<KnownReference<T>>> = new Map();

  find(ref: Exclude<GrantRef, string>): KnownReference<T> | undefined {
    const [home, key] = this.#placeOf(ref);
    return home.get(key);
  }

  keep(
    ref: Exclude<GrantRef, string>,
    token: T,
    fingerprints: readonly number[],
    labels: readonly number[] | undefined,
  ): void {
    const [home, key] = this.#placeOf(ref);
    const before = home.get(key);
    if (before !== undefined) this.drop(before);
    const [oldest] = token.references;
    if (oldest !== undefined && token.references.length >= mostOfOne) this.drop(oldest);
    const reference = { home, key, token, fingerprints, labels, isKept: true };
    home.set(key, reference);
    // A list that grows by pushing has room for sixteen more.
    token.references = [...token.references, reference];
    for (const each of fingerprints) {
      const others = this.byFingerprint.get(each);
      if (others === undefined) this.byFingerprint.set(each, reference);
      else if (others instanceof Set) others.add(reference);
      else if (others !== reference) this.byFingerprint.set(each, new Set([others, reference]));
    }
  }

  drop(reference: KnownReference<T>): void {
    reference.isKept = false;
    reference.home.delete(reference.key);
    const { token } = reference;
    token.references = token.references.filter((each) => each !== reference);
    for (const each of reference.fingerprints) {
      const others = this.byFingerprint.get(each);
      if (others === reference) this.byFingerprint.delete(each);
      else if (others instanceof Set && others.delete(reference) && others.size === 0) this.byFingerprint.delete(each);
    }
  }

  /** Drops those that were looked up by a hash with this fingerprint. */
  dropBy(fingerprint: number): void {
    for (const reference of this.#by(fingerprint)) this.drop(reference);
  }

  /**
   * Drops those that may mean a grant now and meant another one, and those that meant it and no longer do.
   *
   * @param own the references that mean the grant
   * @param found the fingerprints of what it is found by now, each with that of its label there
   */
  dropWrong(grantId: string, own: readonly KnownReference<T>[], found: ReadonlyMap<number, number>): void {
    for (const fingerprint of found.keys()) {
      for (const reference of this.#by(fingerprint)) if (reference.token.grantId !== grantId) this.drop(reference);
    }
    // By an external id that it has lost, or by a label that it has lost.
    const isLost = ({ fingerprints, labels }: KnownReference<T>): boolean => {
      const known = fingerprints.find((each) => found.has(each));
      return known === undefined || (labels !== undefined && !labels.includes(found.get(known) ?? 0));
    };
    for (const reference of own.filter(isLost)) this.drop(reference);
  }

  #by(fingerprint: number): Iterable<KnownReference<T>> {
    const found = this.byFingerprint.get(fingerprint);
    if (found === undefined) return [];
    return found instanceof Set ? [...found] : [found];
  }

  #placeOf(ref: Exclude<GrantRef, string>): readonly [Map<string, KnownReference<T>>, string] {
    const isPlain = !("grantId" in ref) && ref.provider === undefined && ref.account === undefined;
    if (!isPlain) return [this.#others, cacheKey(ref)];
    return "subject" in ref ? [this.#subjects, ref.subject] : [this.#externalIds, ref.externalId];
  }
}

/**
 * A key for each reference. What callers choose, such as a user id, comes last in it: no user id can be written so that
 * its key equals that of another reference.
 */
export function cacheKey(ref: GrantRef): string {
  if (typeof ref === "string") return `id\n${ref}`;
  if ("grantId" in ref) return `id\n${ref.grantId}`;
  const [kind, value] = "subject" in ref ? ["sub", ref.subject] : ["ext", ref.externalId];
  const { provider = "", account } = ref;
  return account === undefined
    ? `${kind}\n${provider}\n${value}`
    : `${kind}${account.length}\n${provider}\n${account}${value}`;
}

/**
 * What a reference was made of, beside its provider; undefined where that is a grant's own id, or where a label stands
 * beside a subject: then only the grant itself tells whether it is meant.
 */
export function askedFor(
  ref: GrantRef,
): { readonly subject: string } | { readonly externalId: string; readonly account?: string } | undefined {
  if (typeof ref === "string" || "grantId" in ref) return undefined;
  const { account } = ref;
  if ("subject" in ref) return account === undefined ? { subject: ref.subject } : undefined;
  return account === undefined ? { externalId: ref.externalId } : { externalId: ref.externalId, account };
}

/** What a reference was looked up by, as keyed hashes. */
export interface LookedUpBy {
  readonly hashes: readonly Uint8Array[];
  /** What its label may stand for in the tie of a grant. Absent: it has none. */
  readonly labels?: readonly Uint8Array[];
}
