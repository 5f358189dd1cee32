import { configurationInvalid } from "../core/errors.ts";
import { cannotListen } from "../core/listening.ts";

/**
 * Starts something on the port that was asked for. Where none was, it starts on the usual port or, if that is taken, on
 * any free one.
 *
 * @param flag the flag that chooses the port, for messages
 * @param asked undefined where nobody asked for a port
 * @throws {OnbehalfError} `configuration_invalid`: the port that was asked for is taken, or may not be listened on
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
    const code = listenErrorCode(error);
    if (code === undefined) throw error;
    if (code !== "EADDRINUSE") {
      throw cannotListen("127.0.0.1", asked ?? usual, { code, message: code }, { port: { flag } });
    }
    if (asked !== undefined) {
      throw configurationInvalid(
        `another program uses port ${asked}`,
        `choose another port with ${flag}, or 0 for any free one`,
        error,
      );
    }
    tell(`another program uses port ${usual}, so the demo takes a free one; choose one with ${flag}`);
    return start(0);
  }
}

/** The system's code of an error at listening, such as `EADDRINUSE` or `EACCES`; undefined for any other error. */
function listenErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { syscall, code } = error as NodeJS.ErrnoException;
  return syscall === "listen" ? code : listenErrorCode(error.cause);
}
