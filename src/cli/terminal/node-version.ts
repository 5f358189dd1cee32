/** The oldest Node that has everything we need, such as `node:sqlite` without a flag. */
export const oldestNode = 24;

/**
 * What to tell a person whose Node is too old; undefined where it is new enough.
 *
 * @param version such as `26.10.0`
 */
export function nodeProblem(version: string): string | undefined {
  if (Number.parseInt(version, 10) >= oldestNode) return undefined;
  return (
    `onbehalf: this is Node ${version}; Onbehalf needs Node ${oldestNode} or newer\n` +
    "onbehalf: hint: install a newer Node from https://nodejs.org; if you have one, put it first on the PATH\n"
  );
}
