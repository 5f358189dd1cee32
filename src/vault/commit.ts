import { isOnbehalfError } from "../errors.ts";
import type { Protocol } from "../oauth/protocol.ts";
import type { TokenSet } from "../oauth/token-set.ts";
import { backOffMs } from "../refresh.ts";
import type { GrantRow } from "../store/store.ts";
import type { VaultContext } from "./context.ts";
import type { RefreshOutcome } from "./exchanger.ts";
import { keepOrphan } from "./orphans.ts";
import { openRefreshToken, sealTokens } from "./sealed-grant.ts";

interface Answer {
  readonly tokens: TokenSet;
  readonly receivedAt: number;
}

/** How long callers wait for a store that fails after the answer came, before they get the token from memory. */
const callersWaitMs = 1_000;

/**
 * Commits an answer onto the generation whose refresh token was sent. Where the store fails, it is tried again until
 * it works: from here on, this process may hold the only copy of the new refresh token.
 *
 * @returns what callers get, soon; and `stored`, which settles when the answer is safe
 */
export function commitAnswer(
  context: VaultContext,
  protocol: Protocol,
  grant: GrantRow,
  answer: Answer,
): { readonly outcome: Promise<RefreshOutcome>; readonly stored: Promise<unknown> } {
  const stored = commitUntilStored(context, protocol, grant, answer);
  const inMemory: RefreshOutcome = {
    kind: "held-in-memory",
    accessToken: answer.tokens.accessToken,
    expiresAt: answer.receivedAt + answer.tokens.expiresInSeconds * 1000,
  };
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<RefreshOutcome>((resolve) => {
    timer = setTimeout(resolve, callersWaitMs, inMemory);
  });
  return { outcome: Promise.race([stored, patience]).finally(() => clearTimeout(timer)), stored };
}

async function commitUntilStored(
  context: VaultContext,
  protocol: Protocol,
  grant: GrantRow,
  answer: Answer,
): Promise<RefreshOutcome> {
  const { store, keyring, clock, emit, random } = context;
  const { grantId, generation } = grant;
  const provider = protocol.provider.name;
  const refreshToken = openRefreshToken(keyring, grant);
  const kept =
    refreshToken === undefined ? undefined : { refreshToken, expiresAt: grant.refreshExpiresAt, scope: grant.scope };
  const columns = sealTokens(keyring, grant, generation + 1, answer, kept);
  for (let failures = 0; ;) {
    try {
      if (await store.commitAttempt(grantId, generation, columns, clock.now())) {
        emit({ type: "refreshed", grantId, provider, generation: generation + 1 });
        return { kind: "newer" };
      }
      await keepOrphan(context, grant, answer);
      emit({ type: "answer_kept", grantId, provider, as: "orphan" });
      return { kind: "newer" };
    } catch (error) {
      if (!isOnbehalfError(error, "store_unavailable")) throw error;
      if (failures === 0) emit({ type: "answer_kept", grantId, provider, as: "memory" });
      failures += 1;
      const waitMs = 50 + backOffMs(failures, random(), 100, 5_000);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
