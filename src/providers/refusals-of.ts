import { standardRefusals } from "../core/refresh.ts";
import type { Refusals } from "../core/refresh.ts";
import type { Provider } from "./provider.ts";

/** What a provider's error codes mean: the standard meanings, and what its record says of its own codes. */
export function refusalsOf(provider: Provider | undefined): Refusals {
  return { ...standardRefusals, ...provider?.refusals };
}
