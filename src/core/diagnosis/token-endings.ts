/**
 * By what a provider ends refresh tokens without saying so. It is data of the provider's record; a provider that says
 * nothing of it has none.
 */
export interface TokenEndings {
  /** An app that is not published: how long its refresh tokens live, days. */
  readonly testingDays?: number;
  /** Scopes with which they live on all the same, where nothing else was granted. */
  readonly testingExcept?: readonly string[];
  /** A refresh token that nobody uses for so many days ends. */
  readonly idleDays?: number;
  /** How many refresh tokens one person and client may have: one more ends the oldest. */
  readonly perPerson?: number;
  /** A changed password ends tokens with one of these scopes; a name that ends in `*` stands for all that begin so. */
  readonly passwordScopes?: readonly string[];
}

export const dayMs = 86_400_000;

/** Whether one of the scopes is among names that may end in `*`. */
export function hasScopeAmong(scope: string, names: readonly string[]): boolean {
  return scope
    .split(" ")
    .some((each) => names.some((name) => (name.endsWith("*") ? each.startsWith(name.slice(0, -1)) : each === name)));
}

/** Whether an unpublished app's grant of these scopes ends: not where nothing but sign-in was granted. */
export function endsInTesting(scope: string, { testingDays, testingExcept = [] }: TokenEndings): boolean {
  if (testingDays === undefined) return false;
  return scope.split(" ").some((each) => each !== "" && !hasScopeAmong(each, testingExcept));
}
