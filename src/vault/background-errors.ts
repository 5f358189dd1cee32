import { isOnbehalfError } from "../core/errors.ts";
import type { VaultContext } from "./context.ts";

/**
 * What becomes of an error in work that nobody waits for. One of ours, such as a store that is away, is an event; any
 * other is a bug: `onFault` is told, and the host's process goes on.
 */
export function tellError(
  { emit, onFault }: Pick<VaultContext, "emit" | "onFault">,
  error: unknown,
  during: string,
): void {
  if (isOnbehalfError(error)) emit({ type: "store_failed", during, message: error.message });
  else onFault(error, during);
}
