/*
 * Which grants a caller may use: selectors as an operator writes them, compiled once, and the decision about one grant.
 * How a grant is read, and who the caller is, do not belong here.
 */

/** The longest external id, in characters. */
const longestId = 512;

/** Every grant. */
export const everyGrant = "*";

/** How selectors are written, for messages. */
export const selectorForms = "ext:VALUE, ext:PREFIX*, g_… or *";

/**
 * Whether a text is a selector: `ext:VALUE`, `ext:PREFIX*`, a grant's id, or `*`. A star may only stand at the end, and
 * spaces around a value are refused: each would quietly mean somebody else, or nobody.
 */
export function isSelector(text: string): boolean {
  if (text === everyGrant || /^g_[A-Za-z0-9_-]{1,64}$/.test(text)) return true;
  if (!text.startsWith("ext:")) return false;
  const value = text.slice(4);
  if (value === "" || value.length > longestId + 1 || /\p{Cc}/u.test(value) || value.trim() !== value) return false;
  return !value.slice(0, -1).includes("*");
}

/** What is known of a grant without opening anything. */
interface Known {
  readonly grantId: string;
  readonly provider: string;
}

/** What somebody may see, as it is written: of a caller, of a session of one. */
export interface Selection {
  readonly grants: readonly string[];
  readonly providers?: readonly string[];
  /** Of a session: the selectors of the caller that made it. What they do not fit is out of the session's reach, too. */
  readonly session?: { readonly makerGrants: readonly string[] };
}

/** What a caller may see, of selectors and providers. */
export class Reach {
  /** Whether every grant is in reach, as far as the provider is. */
  readonly isAll: boolean;
  /** Grants that are selected by their own ids. Of a session, only where its maker sees them: see {@link Reach.hasGrantId}. */
  readonly grantIds: ReadonlySet<string>;
  /** External ids that are selected one by one. */
  readonly externalIds: ReadonlySet<string>;
  /** What external ids may begin with. */
  readonly prefixes: readonly string[];
  /** The providers' short names; undefined: every provider. */
  readonly providers: ReadonlySet<string> | undefined;

  /** Whether a grant's external ids, which are sealed, must be opened to decide about it. */
  readonly needsExternalIds: boolean;
  /** What the maker of a session may see; undefined where nobody else's limits count. */
  readonly #maker: Reach | undefined;

  /** @param selection.grants what {@link isSelector} accepts; another text selects nothing */
  constructor({ grants: selectors, providers, session }: Selection) {
    const valid = selectors.filter(isSelector);
    const values = valid.filter((each) => each.startsWith("ext:")).map((each) => each.slice(4));
    this.isAll = valid.includes(everyGrant);
    this.grantIds = new Set(valid.filter((each) => each.startsWith("g_")));
    this.externalIds = new Set(values.filter((each) => !each.endsWith("*")));
    this.prefixes = values.filter((each) => each.endsWith("*")).map((each) => each.slice(0, -1));
    this.providers = providers === undefined ? undefined : new Set(providers);
    const maker = session === undefined ? undefined : new Reach({ grants: session.makerGrants });
    this.#maker = maker;
    const asksMaker = maker?.needsExternalIds === true && [...this.grantIds].some((each) => !maker.hasGrantId(each));
    this.needsExternalIds = !this.isAll && (this.externalIds.size > 0 || this.prefixes.length > 0 || asksMaker);
  }

  /** Whether nothing narrows it: neither a selector nor a provider. */
  get isUnlimited(): boolean {
    return this.isAll && this.providers === undefined;
  }

  hasProvider(name: string): boolean {
    return this.providers?.has(name) ?? true;
  }

  /** Whether a grant is in reach whatever its external ids are. */
  hasGrantId(grantId: string): boolean {
    return this.isAll || (this.grantIds.has(grantId) && (this.#maker?.hasGrantId(grantId) ?? true));
  }

  hasExternalId(externalId: string): boolean {
    return (
      this.isAll || this.externalIds.has(externalId) || this.prefixes.some((prefix) => externalId.startsWith(prefix))
    );
  }

  /**
   * By which of its external ids a caller sees a grant. Another id of the same grant is none of its business: it says
   * which users of the app share an account.
   *
   * @param externalIds of the grant; called only where the decision needs them
   * @returns undefined where the grant is out of reach
   */
  seenIds({ grantId, provider }: Known, externalIds: () => readonly string[]): readonly string[] | undefined {
    if (!this.hasProvider(provider)) return undefined;
    if (this.hasGrantId(grantId)) return externalIds();
    if (!this.needsExternalIds) return undefined;
    // A session that names the grant sees it as far as its maker does: by the external ids that the maker's selectors fit.
    if (this.grantIds.has(grantId)) return this.#maker?.seenIds({ grantId, provider }, externalIds);
    const seen = externalIds().filter((each) => this.hasExternalId(each));
    return seen.length === 0 ? undefined : seen;
  }
}
