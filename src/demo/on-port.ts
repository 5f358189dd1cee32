import { OnbehalfError } from "../index.ts";

/**
 * Starts something on the port that was asked for; where none was, on the usual one or, if that is taken, on any.
 *
 * @param flag that chooses the port, for messages
 * @throws {OnbehalfError} `configuration_invalid`: the port that was asked for is taken
 */
export async function onPort<T>(
  flag: string,
  asked: number | undefined,
  usual: number,
  tell: (line: string) => void,
  start: (port: number) => Promise<T>,
): Promise<T> {
  try {
    return await start(asked ?? usual);
  } catch (error) {
    if (!isTaken(error)) throw error;
    if (asked !== undefined) throw taken(flag, asked, error);
    tell(`port ${usual} is taken, so another one is used; choose it with ${flag}`);
    return start(0);
  }
}

function isTaken(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (error as NodeJS.ErrnoException).code === "EADDRINUSE" || isTaken(error.cause);
}

function taken(flag: string, port: number, cause: unknown): OnbehalfError<"configuration_invalid"> {
  const problem = `port ${port} is taken by another program`;
  return new OnbehalfError("configuration_invalid", problem, {
    hint: `choose another with ${flag}, or 0 for any`,
    details: { problems: [problem] },
    cause,
  });
}
