/** What a consent page has to ask, in every kind. */
export interface ConsentQuestion {
  /** Scopes the person has not agreed to yet, or all of them where consent is asked for again. */
  readonly ask: readonly string[];
  /** Those with a tick box. */
  readonly boxes: readonly string[];
  /** Whether the project already has some access. */
  readonly hasSome: boolean;
}

/** What to ask for these scopes, given those agreed to before. Nothing to ask: no page is shown, no refresh token comes. */
export function consentQuestion(
  requested: readonly string[],
  agreed: ReadonlySet<string>,
  forced: boolean,
  isSignInScope: (scope: string) => boolean,
): ConsentQuestion {
  const ask = forced ? requested : requested.filter((scope) => !agreed.has(scope));
  const beyond = ask.filter((scope) => !isSignInScope(scope));
  // Granular consent: boxes appear with sign-in plus at least one other scope, or with more than one other.
  const signsIn = requested.some(isSignInScope);
  const granular = signsIn ? beyond.length > 0 : beyond.length > 1;
  return { ask, boxes: granular ? beyond : [], hasSome: agreed.size > 0 };
}

/** The scopes that the person agreed to: those without a box, those still ticked, and those agreed to before. */
export function grantedBy(
  requested: readonly string[],
  question: ConsentQuestion,
  ticked: readonly string[],
): readonly string[] {
  return requested.filter((scope) => !question.boxes.includes(scope) || ticked.includes(scope));
}
