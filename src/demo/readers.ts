import { isOnbehalfError } from "../index.ts";
import type { Grant, Vault } from "../index.ts";
import type { LogEntry } from "../standin/index.ts";

/** What many readers got who asked at the same moment. */
export interface ReadersOutcome {
  readonly readers: number;
  readonly served: number;
  /** How many different tokens they got. */
  readonly tokens: number;
  /** How many refreshes the stand-in was asked for meanwhile. */
  readonly refreshes: number;
  /** The error codes that readers got who were not served, each once. */
  readonly errors: readonly string[];
}

/** Asks for a grant's token many times at once. */
export async function readAtOnce(
  vault: Vault,
  { grantId, profile }: Grant,
  readers: number,
  requests: (since: number) => readonly LogEntry[],
): Promise<ReadersOutcome> {
  const before = requests(0).at(-1)?.seq ?? 0;
  const answers = await Promise.allSettled(Array.from({ length: readers }, () => vault.getAccessToken({ grantId })));
  const tokens = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.token] : []));
  const errors = answers.flatMap((answer) => (answer.status === "rejected" ? [codeOf(answer.reason)] : []));
  return {
    readers,
    served: tokens.length,
    tokens: new Set(tokens).size,
    refreshes: requests(before).filter(
      ({ parameters, grant }) => parameters["grant_type"] === "refresh_token" && grant === profile.email,
    ).length,
    errors: [...new Set(errors)],
  };
}

function codeOf(error: unknown): string {
  return isOnbehalfError(error) ? error.code : "internal_error";
}
