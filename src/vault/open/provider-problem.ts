import { flawIn } from "../../core/verbatim.ts";
import type { Flaw } from "../../core/verbatim.ts";
import type { Provider } from "../../providers/provider.ts";

/** Something wrong with a provider's record. */
export interface ProviderProblem {
  readonly problem: string;
  readonly hint: string;
}

/** A flaw of one member, with the provider's name. */
export function problemOf({ name }: Provider, member: string, { is, hint }: Flaw): ProviderProblem {
  const shown = typeof name === "string" && flawIn(name) === undefined ? `provider ${name}` : "a provider";
  return { problem: `${shown}: ${member} ${is}`, hint };
}
