/**
 * What a keeper's process does with the messages of the process that it works for: it opens its store when it is told to,
 * carries out requests, outlives that process, and ends once all work that was begun is stored. How a request is carried out
 * is the library's, and does not belong here; nor does where the options come from.
 */
import { defined } from "../../core/defined.ts";
import { OnbehalfError, configurationInvalid, isOnbehalfError } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import type { Spans } from "../../core/spans/spans.ts";
import { keeperCloseLimitMs } from "../../core/timing.ts";
import { userAgent } from "../../outbound/user-agent.ts";
import type { AboutWork, OnEvent, VaultEvent } from "../../vault/events.ts";
import type { Keeper } from "../../vault/keeper/keeper.ts";
import { keepMemorySmall } from "../small-memory.ts";
import { RecordedSpans } from "./recorded-spans.ts";
import {
  aboutRequest,
  fromDepositMessage,
  fromErrorMessage,
  fromHeldMessage,
  fromProofMessage,
  fromRequestMessage,
  toErrorMessage,
  toFaultMessage,
  toOutcomeMessage,
} from "../messages.ts";
import type { ConfiguredMessage, FromKeeper, KeeperRequest, ToKeeper } from "../messages.ts";
import { Outbox, messagesIn } from "../outbox.ts";

/** The process that this one works for. */
export interface Employer {
  readonly onEvent: OnEvent;
  readonly onFault: (error: unknown, during: string, about?: AboutWork) => void;
  /**
   * Asks it for the master keys.
   *
   * @throws {OnbehalfError} `key_invalid`: it cannot get them
   */
  readonly masterKeys: () => Promise<Secret[]>;
  /** Where it wants to know what is done. */
  readonly spans?: Spans;
  /** Tells it of the configuration before the store is opened: it prepares meanwhile what it will need. */
  readonly configured: (read: ConfiguredMessage) => void;
}

/** What is told once the keeper is open. */
export interface Opened extends ConfiguredMessage {
  readonly keeper: Keeper;
}

/**
 * Works for the process that has started this one, until that process is gone and all is stored.
 *
 * @param open opens the keeper. Rejects with what keeps it from being opened: the other process says it, and nobody else could
 * @param onUncaught told of an error that ends this process; calls `end` once that is said
 */
export function workForParent(
  // What is sent is what this program's own starter sends.
  open: (opening: never, employer: Employer) => Promise<Opened>,
  onUncaught: (error: unknown, end: () => void) => void,
): void {
  if (process.send === undefined) {
    throw new TypeError("this is the keeper's program: a vault starts it, and it must not be imported or run by hand");
  }
  let keeper: Promise<Keeper> | undefined;
  let spans: RecordedSpans | undefined;
  const keysWanted: PromiseWithResolvers<Secret[]>[] = [];

  keepMemorySmall("keeper");
  process.on("message", (received: ToKeeper<never> | readonly ToKeeper<never>[]) => {
    for (const message of messagesIn(received)) receive(message);
  });

  function receive(message: ToKeeper<never>): void {
    switch (message.type) {
      case "open": {
        if (message.spans)
          spans = new RecordedSpans((told, of) => tell({ type: "spans", spans: told, ...defined({ of }) }));
        const opening = (async () => {
          if (message.version !== userAgent) throw otherVersion(message.version);
          return open(message.opening, { onEvent, onFault: tellFault, masterKeys, configured, ...defined({ spans }) });
        })();
        keeper = opening.then((opened) => opened.keeper);
        // Whoever asks meanwhile is told; where nobody does, it has been told all the same.
        keeper.catch(() => undefined);
        opening.then(({ keeper: _opened, ...ready }) => tell({ type: "ready", ...ready }), giveUp);
        return;
      }
      case "keys":
        keysWanted.shift()?.resolve(message.keys.map((key) => new Secret(key)));
        return;
      case "no-keys":
        keysWanted.shift()?.reject(fromErrorMessage(message.error));
        return;
      case "request":
        void answer(message);
    }
  }

  // The other process has ended or has closed the channel: finish what was begun, store it, and end.
  process.once("disconnect", () => {
    // A store that neither answers nor fails must not keep this process for ever.
    setTimeout(() => process.exit(1), keeperCloseLimitMs).unref();
    for (const wanted of keysWanted) wanted.reject(gone);
    const closed = keeper?.then(
      (opened) => opened.close(),
      // The keeper was never opened, and the other process was told why.
      () => undefined,
    );
    void closed?.then(() => process.exit(0));
  });
  // The keeper is stopped by closing the channel, after the last request. A signal to every process, as at a shutdown, or
  // to those of a terminal, must not end this one: it may hold the only copy of a new refresh token.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => undefined);
  process.stderr.on("error", () => undefined);
  // Node would print the error with its message and properties, which may repeat what somebody sent.
  process.once("uncaughtException", (error) => {
    onUncaught(error, () => process.exit(1));
  });

  function onEvent(event: VaultEvent, about?: AboutWork): void {
    tell({ type: "event", event, ...defined({ about }) });
  }

  function configured(read: ConfiguredMessage): void {
    tell({ type: "configured", ...read });
  }

  function masterKeys(): Promise<Secret[]> {
    const wanted = Promise.withResolvers<Secret[]>();
    keysWanted.push(wanted);
    tell({ type: "keys-wanted" });
    return wanted.promise;
  }

  async function answer({ id, request, spans: isWatched }: ToKeeper<never> & { type: "request" }): Promise<void> {
    try {
      const opened = await keeper;
      if (opened === undefined) throw new TypeError("a request came before the keeper was opened");
      const performed = (): ReturnType<typeof perform> => perform(opened, request);
      const value = await (spans?.during(id, isWatched === true, performed) ?? performed());
      tell({ type: "answer", id, value });
    } catch (error) {
      if (isOnbehalfError(error)) {
        tell({ type: "refusal", id, error: toErrorMessage(error) });
        return;
      }
      // A bug in one request must not end the process: it may hold the only copy of another grant's new refresh token.
      tellFault(error, `the request to ${request.verb}`, aboutRequest(request));
      tell({ type: "refusal", id, error: toErrorMessage(internalError) });
    }
  }
}

/** Tells of an error that ends this process, and ends it once that is said, or nobody listens any more. */
export function tellLastFault(error: unknown, end: () => void): void {
  if (!process.connected) {
    end();
    return;
  }
  // A process that stands still reads nothing.
  setTimeout(end, 1_000);
  const fault: FromKeeper = { type: "fault", during: "its work, which this ended", error: toFaultMessage(error) };
  process.send?.(fault, undefined, {}, end);
}

const internalError = new OnbehalfError("internal_error", "the keeper failed unexpectedly", {
  hint: "look at the log for this time, or at what onFault was told",
  details: {},
});

const gone = new OnbehalfError("key_invalid", "the process that knows the master key has ended", {
  hint: "start it again",
  details: {},
});

function otherVersion(theirs: string): OnbehalfError {
  return configurationInvalid(
    `the keeper's program is ${userAgent}, and the program that uses it ${theirs}`,
    "build both from one version of the package",
  );
}

async function perform(keeper: Keeper, request: KeeperRequest): Promise<(FromKeeper & { type: "answer" })["value"]> {
  switch (request.verb) {
    case "exchangeCode":
      return keeper.exchangeCode(request.provider, fromRequestMessage(request.request));
    case "deposit":
      return keeper.deposit(request.provider, fromDepositMessage(request.request));
    case "authorization":
      return keeper.authorization(request.provider);
    case "holdCode":
      await keeper.holdCode(request.provider, fromRequestMessage(request.request));
      return null;
    case "finishHeld": {
      const { held } = request;
      return keeper.finishHeld(request.provider, { ...fromHeldMessage(held), ...fromProofMessage(held) });
    }
    case "discardHeld":
      await keeper.discardHeld(request.provider, fromHeldMessage(request.held));
      return null;
    case "refresh":
      return toOutcomeMessage(await keeper.refresh(request.seen, request.priority));
    case "readingKeys":
      return (await keeper.readingKeys?.()) ?? null;
    case "figures":
      return (await keeper.figures?.()) ?? null;
    case "revoke":
      await keeper.revoke(request.grantId, request.principal);
      return null;
  }
}

function giveUp(error: unknown): void {
  if (!isOnbehalfError(error)) tellFault(error, "the start of the keeper");
  tell({ type: "failed", error: toErrorMessage(isOnbehalfError(error) ? error : internalError) });
  outbox.flush();
  process.disconnect?.();
}

function tellFault(error: unknown, during: string, about?: AboutWork): void {
  tell({ type: "fault", during, error: toFaultMessage(error), ...defined({ about }) });
}

/** Sends a message, unless the other process has ended. Then nobody needs it: what matters is in the store. */
function tell(message: FromKeeper): void {
  outbox.add(message);
}

const outbox = new Outbox<FromKeeper>(
  (messages) => {
    if (process.connected) process.send?.(messages, undefined, {}, () => undefined);
  },
  (message, error) => {
    if (message.type === "answer") tell({ type: "refusal", id: message.id, error: toErrorMessage(internalError) });
    tellFault(error, "a message of the keeper");
  },
);
