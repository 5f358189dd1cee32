/**
 * The keeper: a small process that alone opens refresh tokens. It exchanges and commits for the service, outlives a
 * crash of it, and ends once what was begun is stored.
 */
import { isOnbehalfError, openKeeper } from "../../index.ts";
import type { Keeper } from "../../index.ts";
import { serviceConfig } from "../settings/config.ts";
import { errorToWire, outcomeToWire, requestFromWire } from "./messages.ts";
import type { FromKeeper, KeeperRequest, ToKeeper } from "./messages.ts";

let keeper: Promise<Keeper> | undefined;

process.on("message", (message: ToKeeper) => {
  if (message.type === "open") {
    keeper = openKeeper({
      ...serviceConfig(message.settings),
      migrate: message.migrate,
      onEvent: (event) => tell({ type: "event", event }),
    });
    keeper.then(
      () => tell({ type: "ready" }),
      (error: unknown) => giveUp(error),
    );
    return;
  }
  void answer(message.id, message.request);
});

// The service is gone or has closed us: finish what was begun, store it, and go.
process.once("disconnect", () => {
  const closed = keeper?.then(
    (open) => open.close(),
    // Never opened, and the service was told why.
    () => undefined,
  );
  void closed?.then(() => process.exit(0));
});
// The service stops us by closing the channel, after its own last request. A signal that reaches the whole group must
// not end the one process that may hold a new refresh token.
process.on("SIGTERM", () => undefined);
process.on("SIGINT", () => undefined);
process.stderr.on("error", () => undefined);

async function answer(id: number, request: KeeperRequest): Promise<void> {
  try {
    const open = await keeper;
    if (open === undefined) throw new TypeError("a request came before the keeper was opened");
    tell({ type: "answer", id, value: await perform(open, request) });
  } catch (error) {
    if (!isOnbehalfError(error)) throw error;
    tell({ type: "refusal", id, error: errorToWire(error) });
  }
}

async function perform(open: Keeper, request: KeeperRequest): Promise<(FromKeeper & { type: "answer" })["value"]> {
  switch (request.verb) {
    case "exchangeCode":
      return open.exchangeCode(request.provider, requestFromWire(request.request));
    case "refresh":
      return outcomeToWire(await open.refresh(request.grantId, request.generation, request.priority));
    case "revoke":
      await open.revoke(request.grantId);
      return null;
  }
}

function giveUp(error: unknown): void {
  if (!isOnbehalfError(error)) throw error;
  tell({ type: "failed", error: errorToWire(error) });
  process.disconnect?.();
}

/** To a service that has gone, nothing is said: the store has what matters. */
function tell(message: FromKeeper): void {
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}
