/** What the pages of one kind say where kinds differ. */
export interface Wording {
  /** What this is, in the badge of every page: `Stand-in for Google`. */
  readonly standIn: string;
  /** The line beneath every page: what it does not do. */
  readonly notice: string;
  /** Whether a scope says who the person is: those have no tick box. */
  isSignInScope(scope: string): boolean;
  /** What an app learns of who the person is: `your email address`. Asked where at least one scope is for sign-in. */
  whatSignInShows(scopes: readonly string[]): string;
  /** What a scope lets an app do. */
  describeScope(scope: string): string;
  /** A scope's name, as the small print shows it. */
  shortScope(scope: string): string;
  /** The app that a person gave access to. */
  appName(project: string): string;
}
