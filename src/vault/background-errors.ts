import { isOnbehalfError } from "../core/errors.ts";
import type { VaultContext } from "./context.ts";

/**
 * Tells of an error in work that no caller waits for. An `OnbehalfError`, such as that of a store that does not answer,
 * becomes an event. Any other error is a bug: `onFault` is told, and the host's process goes on.
 */
export function tellError(
  { emit, onFault }: Pick<VaultContext, "emit" | "onFault">,
  error: unknown,
  during: string,
): void {
  if (isOnbehalfError(error)) emit({ type: "store_failed", during, message: error.message });
  else onFault(error, during);
}
