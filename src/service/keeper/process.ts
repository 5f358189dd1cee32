/**
 * The keeper's process: the only process of a service that opens refresh tokens. It exchanges and commits for the
 * service, outlives a crash of the service, and ends once all work that was begun is stored. Only what it says to the
 * service belongs here; how a request is carried out is the library's, and does not.
 */
import { defined } from "../../core/defined.ts";
import { keeperCloseLimitMs } from "../../core/timing.ts";
import { OnbehalfError, isOnbehalfError, openKeeper } from "../../index.ts";
import type { Keeper } from "../../index.ts";
import { faultLogger } from "../error-log.ts";
import { serviceLogger } from "../log.ts";
import { secretsHeldAt, takeVariables } from "../secrets/held-secrets.ts";
import { keepMemorySmall } from "../small-memory.ts";
import { clientIdOf, hasGoogle } from "../settings/config-parts.ts";
import { serviceConfig } from "../settings/config.ts";
import {
  fromDepositMessage,
  fromHeldMessage,
  fromProofMessage,
  fromRequestMessage,
  toErrorMessage,
  toFaultMessage,
  toOutcomeMessage,
  toProviderMessage,
} from "./messages.ts";
import type { FromKeeper, KeeperRequest, ToKeeper } from "./messages.ts";

let keeper: Promise<Keeper> | undefined;

keepMemorySmall();

process.on("message", (message: ToKeeper) => {
  if (message.type === "open") {
    const opening = open(message);
    keeper = opening.then((opened) => opened.keeper);
    opening.then(({ ready }) => tell(ready), giveUp);
    return;
  }
  void answer(message.id, message.request);
});

// The service has ended or has closed the channel: finish what was begun, store it, and end.
process.once("disconnect", () => {
  // A store that neither answers nor fails must not keep this process for ever.
  setTimeout(() => process.exit(1), keeperCloseLimitMs).unref();
  const closed = keeper?.then(
    (open) => open.close(),
    // The keeper was never opened, and the service was told why.
    () => undefined,
  );
  void closed?.then(() => process.exit(0));
});
// The service stops the keeper by closing the channel, after its own last request. A signal to every process, as at a
// shutdown, must not end this one: it may hold the only copy of a new refresh token.
process.on("SIGTERM", () => undefined);
process.on("SIGINT", () => undefined);
process.stderr.on("error", () => undefined);
// Node would print the error with its message and properties, which may repeat what somebody sent.
process.once("uncaughtException", (error) => {
  faultLogger(serviceLogger("error"))(error, "the keeper, which this ended");
  process.exit(1);
});

/** Rejects with what keeps it from being opened, the settings too: the service says it, and nobody else could. */
async function open({ settings: given, migrate, heldSecrets }: ToKeeper & { readonly type: "open" }): Promise<{
  readonly keeper: Keeper;
  readonly ready: FromKeeper;
}> {
  const held = heldSecrets === undefined ? undefined : await secretsHeldAt(heldSecrets, "keeper");
  // A command that prints the master key may need them.
  if (held !== undefined) takeVariables(held);
  const { store, keyring, providers, exchangeRate, rescueFolder } = serviceConfig({ ...given, ...held?.settings });
  const opened = await openKeeper({
    store,
    keyring,
    providers,
    exchangeRate,
    ...defined({ rescueFolder }),
    migrate,
    onEvent: (event) => tell({ type: "event", event }),
    onFault: tellFault,
  });
  const clientIds = Object.fromEntries(providers.map((provider) => [provider.name, clientIdOf(provider)]));
  const fromFile = providers.slice(hasGoogle({ ...given, ...held?.settings }) ? 1 : 0);
  const records = fromFile.map((provider) => toProviderMessage(provider, clientIds[provider.name] ?? ""));
  return { keeper: opened, ready: { type: "ready", clientIds, providers: records } };
}

async function answer(id: number, request: KeeperRequest): Promise<void> {
  try {
    const open = await keeper;
    if (open === undefined) throw new TypeError("a request came before the keeper was opened");
    tell({ type: "answer", id, value: await perform(open, request) });
  } catch (error) {
    if (isOnbehalfError(error)) {
      tell({ type: "refusal", id, error: toErrorMessage(error) });
      return;
    }
    // A bug in one request must not end the process: it may hold the only copy of another grant's new refresh token.
    tellFault(error, `the request to ${request.verb}`);
    tell({ type: "refusal", id, error: toErrorMessage(internalError) });
  }
}

const internalError = new OnbehalfError("internal_error", "the keeper failed unexpectedly", {
  hint: "look at the service's log for this time",
  details: {},
});

async function perform(open: Keeper, request: KeeperRequest): Promise<(FromKeeper & { type: "answer" })["value"]> {
  switch (request.verb) {
    case "exchangeCode":
      return open.exchangeCode(request.provider, fromRequestMessage(request.request));
    case "deposit":
      return open.deposit(request.provider, fromDepositMessage(request.request));
    case "authorization":
      return open.authorization(request.provider);
    case "holdCode":
      await open.holdCode(request.provider, fromRequestMessage(request.request));
      return null;
    case "finishHeld": {
      const { held } = request;
      return open.finishHeld(request.provider, { ...fromHeldMessage(held), ...fromProofMessage(held) });
    }
    case "discardHeld":
      await open.discardHeld(request.provider, fromHeldMessage(request.held));
      return null;
    case "refresh":
      return toOutcomeMessage(await open.refresh(request.seen, request.priority));
    case "readingKeys":
      return (await open.readingKeys?.()) ?? null;
    case "revoke":
      await open.revoke(request.grantId, request.principal);
      return null;
  }
}

function giveUp(error: unknown): void {
  if (!isOnbehalfError(error)) tellFault(error, "the start of the keeper");
  tell({ type: "failed", error: toErrorMessage(isOnbehalfError(error) ? error : internalError) });
  process.disconnect?.();
}

function tellFault(error: unknown, during: string): void {
  tell({ type: "fault", during, error: toFaultMessage(error) });
}

/** Sends a message, unless the service has ended. Then nobody needs it: what matters is in the store. */
function tell(message: FromKeeper): void {
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}
