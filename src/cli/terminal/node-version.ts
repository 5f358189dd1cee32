/** The oldest Node that has everything: `node:sqlite` without a flag, above all. */
export const oldestNode = 24;

/**
 * What to tell somebody whose Node is too old; undefined where it is not.
 *
 * @param version such as `26.10.0`
 */
export function nodeProblem(version: string): string | undefined {
  if (Number.parseInt(version, 10) >= oldestNode) return undefined;
  return (
    `onbehalf: this is Node ${version}, and Node ${oldestNode} or newer is needed\n` +
    "onbehalf: hint: install a current one from https://nodejs.org, or put it first on the PATH\n"
  );
}
