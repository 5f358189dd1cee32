/**
 * The side of a keeper's process that uses it: this starts the process, sends it requests, and starts another one when it
 * dies. What the keeper does with a request does not belong here.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { defined } from "../core/defined.ts";
import { addDuration, noDurations } from "../core/figures.ts";
import type { KeeperFigures, KeeperLink } from "../core/figures.ts";
import type { HandedDownKeys } from "../core/handed-down-keys.ts";
import { OnbehalfError } from "../core/errors.ts";
import type { OpenSpan } from "../core/spans/spans.ts";
import { holderWaitMs } from "../core/timing.ts";
import { userAgent } from "../outbound/user-agent.ts";
import type { OnFault } from "../vault/context.ts";
import type { OnEvent } from "../vault/events.ts";
import type { Keeper } from "../vault/keeper/keeper.ts";
import { fromConfiguredMessage } from "./configured.ts";
import type { Configured } from "./configured.ts";
import { keeperCallSpan } from "./keeper-call-span.ts";
import type { KeeperClient, KeeperProgram } from "./program.ts";
import { notStarted, unavailable } from "./unavailable.ts";
import {
  fromErrorMessage,
  fromFaultMessage,
  fromOutcomeMessage,
  noKeysMessage,
  toDepositMessage,
  toHeldMessage,
  toProofMessage,
  toRequestMessage,
} from "./messages.ts";
import type { FromKeeper, KeeperRequest, ToKeeper } from "./messages.ts";
import { Outbox, messagesIn } from "./outbox.ts";

/** How long a request waits for a keeper that is being restarted, milliseconds. */
const restartWaitMs = 15_000;
/**
 * How long to wait before a keeper is started again, milliseconds: longer after each one that died before it was ready.
 */
const restartAfterMs = [0, 250, 1_000, 5_000] as const;

/**
 * How many requests may be under way at once. A keeper that stands still must not have this process keep all that
 * arrives meanwhile in memory.
 */
const mostPending = 10_000;

interface Pending {
  readonly request: KeeperRequest;
  readonly resolve: (value: (FromKeeper & { type: "answer" })["value"]) => void;
  readonly reject: (error: unknown) => void;
  /** When it was asked, milliseconds since this process began. */
  readonly since: number;
  /** Ends the wait where no answer comes. While it runs, it holds the request with everything in it. */
  readonly timer: NodeJS.Timeout;
  /** The call, where somebody watches it. */
  readonly span: OpenSpan | undefined;
}

/**
 * Starts a keeper and keeps one running. When a keeper dies, the requests that were under way are sent again to the
 * next one: the store shows how far each had come. A keeper keeps this process alive while it is being started and while a
 * request waits for it, and not otherwise.
 *
 * @param onFault told of unexpected errors in the keeper, which goes on
 * @param onConfigured told of what a keeper has read before it opens its store, by a program of ours that tells it so early
 * @throws {OnbehalfError} why the first keeper could not open its store: `configuration_invalid`, `key_invalid`,
 *   `store_unavailable`, `store_unusable`; `keeper_unavailable` where its process ended before it said why
 * @throws what `masterKeys` throws
 */
export async function startKeeperProcess<Opening>(
  program: KeeperProgram<Opening>,
  onEvent: OnEvent,
  onFault: OnFault,
  onConfigured: (read: Configured) => void = () => undefined,
): Promise<KeeperClient> {
  const client = new ForkedKeeper(program, onEvent, onFault, onConfigured);
  try {
    await client.start();
    return client;
  } catch (error) {
    // Where the first keeper cannot start, somebody must correct something. Trying again for ever would only keep the
    // program from ending with the reason.
    await client.close();
    throw error;
  }
}

class ForkedKeeper<Opening> implements KeeperClient {
  readonly #program: KeeperProgram<Opening>;
  readonly #onEvent: OnEvent;
  readonly #onFault: OnFault;
  readonly #onConfigured: (read: Configured) => void;
  readonly #pending = new Map<number, Pending>();
  #child: ChildProcess | undefined;
  /** What goes to that child. */
  #outbox: Outbox<ToKeeper<Opening>> | undefined;
  #ready = false;
  #closing = false;
  #configured: Configured = { clientIds: {}, providers: [] };
  #nextId = 1;
  #deaths = 0;
  #restarting = false;
  #restarts = 0;
  readonly #took = noDurations();

  constructor(
    program: KeeperProgram<Opening>,
    onEvent: OnEvent,
    onFault: OnFault,
    onConfigured: (read: Configured) => void,
  ) {
    this.#program = program;
    this.#onEvent = onEvent;
    this.#onFault = onFault;
    this.#onConfigured = onConfigured;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get clientIds(): Configured["clientIds"] {
    return this.#configured.clientIds;
  }

  get providers(): Configured["providers"] {
    return this.#configured.providers;
  }

  get link(): KeeperLink {
    return { isReady: this.#ready, restarts: this.#restarts, waiting: this.#pending.size, took: this.#took };
  }

  async start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = this.#fork();
      const outbox = this.#outboxOf(child);
      this.#child = child;
      this.#outbox = outbox;
      child.on("message", (received: FromKeeper | readonly FromKeeper[]) => {
        for (const message of messagesIn(received)) receive(message);
      });
      const receive = (message: FromKeeper): void => {
        if (message.type === "ready") {
          this.#ready = true;
          this.#configured = fromConfiguredMessage(message);
          for (const [id, pending] of this.#pending) outbox.add(requestMessage(id, pending));
          letGo(child);
          resolve();
        } else if (message.type === "failed") reject(fromErrorMessage(message.error));
        else if (message.type === "configured") this.#onConfigured(fromConfiguredMessage(message));
        else if (message.type === "keys-wanted") void this.#giveKeys(outbox, reject);
        else this.#receive(message);
      };
      child.once("error", (error) => reject(notStarted(error, this.#program.hints)));
      child.once("exit", (code, signal) => {
        const how = signal === null ? `with exit code ${code ?? "unknown"}` : `by ${signal}`;
        const { start, wait } = this.#program.hints;
        reject(unavailable(`the keeper's process ended before it was ready, ${how}`, start));
        if (this.#child !== child) return;
        if (this.#ready && !this.#closing) {
          this.#onFault(unavailable(`the keeper's process ended ${how}; another one is started`, wait), "the keeper");
        }
        this.#lost();
      });
      const { opening, spans } = this.#program;
      outbox.add({ type: "open", version: userAgent, opening, spans: spans !== undefined });
    });
  }

  assertReady(): void {
    if (!this.#ready) throw this.#noAnswer();
  }

  async exchangeCode(...[provider, request]: Parameters<Keeper["exchangeCode"]>): ReturnType<Keeper["exchangeCode"]> {
    return (await this.#ask({ verb: "exchangeCode", provider, request: toRequestMessage(request) })) as string;
  }

  async deposit(...[provider, request]: Parameters<Keeper["deposit"]>): ReturnType<Keeper["deposit"]> {
    const value = await this.#ask({ verb: "deposit", provider, request: toDepositMessage(request) });
    return value as Awaited<ReturnType<Keeper["deposit"]>>;
  }

  async authorization(...[provider]: Parameters<Keeper["authorization"]>): ReturnType<Keeper["authorization"]> {
    const value = await this.#ask({ verb: "authorization", provider });
    return value as Awaited<ReturnType<Keeper["authorization"]>>;
  }

  async holdCode(...[provider, request]: Parameters<Keeper["holdCode"]>): Promise<void> {
    await this.#ask({ verb: "holdCode", provider, request: toRequestMessage(request) });
  }

  async finishHeld(...[provider, held]: Parameters<Keeper["finishHeld"]>): Promise<string> {
    const message = { ...toHeldMessage(held), ...toProofMessage(held) };
    return (await this.#ask({ verb: "finishHeld", provider, held: message })) as string;
  }

  async discardHeld(...[provider, held]: Parameters<Keeper["discardHeld"]>): Promise<void> {
    await this.#ask({ verb: "discardHeld", provider, held: toHeldMessage(held) });
  }

  async refresh(...[seen, priority]: Parameters<Keeper["refresh"]>): ReturnType<Keeper["refresh"]> {
    const value = await this.#ask({ verb: "refresh", seen, priority });
    return fromOutcomeMessage(value as Parameters<typeof fromOutcomeMessage>[0]);
  }

  async revoke(...[grantId, principal]: Parameters<Keeper["revoke"]>): Promise<void> {
    await this.#ask({ verb: "revoke", grantId, ...defined({ principal }) });
  }

  async readingKeys(): Promise<HandedDownKeys> {
    return (await this.#ask({ verb: "readingKeys" })) as HandedDownKeys;
  }

  async figures(): Promise<KeeperFigures> {
    this.assertReady();
    return (await this.#ask({ verb: "figures" })) as KeeperFigures;
  }

  /** Resolves when the keeper has finished its work and its process has ended. */
  async close(): Promise<void> {
    this.#closing = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    // Whoever closes waits for what is under way to be stored.
    child.ref();
    this.#outbox?.flush();
    if (child.connected) child.disconnect();
    await gone;
  }

  #ask(request: KeeperRequest): Promise<(FromKeeper & { type: "answer" })["value"]> {
    const { spans } = this.#program;
    const begin = spans === undefined ? undefined : keeperCallSpan(request);
    if (spans === undefined || begin === undefined) return this.#send(request);
    return spans.run(begin, (span) => this.#send(request, span));
  }

  #send(request: KeeperRequest, span?: OpenSpan): Promise<(FromKeeper & { type: "answer" })["value"]> {
    return new Promise((resolve, reject) => {
      if (this.#closing) throw closed();
      if (this.#pending.size >= mostPending) throw this.#noAnswer();
      const id = this.#nextId++;
      // The keeper may be alive and stand still, so stop waiting after longer than an exchange may take. The keeper's
      // work on the request goes on. Until then the timer keeps this process, in which somebody waits.
      const timer = setTimeout(() => this.#giveUp(id), holderWaitMs);
      const pending = { request, resolve, reject, timer, span, since: performance.now() };
      this.#pending.set(id, pending);
      if (this.#outbox !== undefined && this.#ready) this.#outbox.add(requestMessage(id, pending));
      else this.#expire(id, restartWaitMs);
    });
  }

  #expire(id: number, ms: number): void {
    setTimeout(() => {
      if (!this.#ready) this.#giveUp(id);
    }, ms).unref();
  }

  #giveUp(id: number): void {
    this.#settle(id)?.reject(this.#noAnswer());
  }

  /** Takes a request off the list: nothing of it is kept any longer. */
  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    if (pending !== undefined) addDuration(this.#took, performance.now() - pending.since);
    return pending;
  }

  #noAnswer(): OnbehalfError<"keeper_unavailable"> {
    return unavailable("the keeper is not running or does not answer", this.#program.hints.wait);
  }

  /** @param fail told where the keys cannot be had, which matters to a keeper that is being started */
  async #giveKeys(outbox: Outbox<ToKeeper<Opening>>, fail: (error: unknown) => void): Promise<void> {
    try {
      const keys = (await this.#program.masterKeys?.()) ?? [];
      outbox.add({ type: "keys", keys: keys.map((key) => key.expose()) });
    } catch (error) {
      fail(error);
      if (this.#ready) this.#onFault(error, "the master key's source");
      outbox.add(noKeysMessage(error));
    }
  }

  #receive(message: Exclude<FromKeeper, { type: "configured" | "ready" | "failed" | "keys-wanted" }>): void {
    if (message.type === "event") {
      this.#onEvent(message.event, message.about);
      return;
    }
    if (message.type === "fault") {
      this.#onFault(fromFaultMessage(message.error), `${message.during} (keeper)`, message.about);
      return;
    }
    if (message.type === "spans") {
      // Whose request was given up has no span any more.
      const { of, spans } = message;
      (of === undefined ? this.#program.spans : this.#pending.get(of)?.span)?.adopt(spans);
      return;
    }
    const pending = this.#settle(message.id);
    if (message.type === "answer") pending?.resolve(message.value);
    else pending?.reject(fromErrorMessage(message.error));
  }

  #lost(): void {
    if (this.#restarting) return;
    const wasReady = this.#ready;
    this.#ready = false;
    this.#child = undefined;
    this.#outbox = undefined;
    if (this.#closing) return;
    this.#restarting = true;
    this.#deaths = wasReady ? 0 : this.#deaths + 1;
    for (const id of this.#pending.keys()) this.#expire(id, restartWaitMs);
    const waitMs = restartAfterMs[Math.min(this.#deaths, restartAfterMs.length - 1)];
    setTimeout(() => {
      this.#restarting = false;
      if (this.#closing) return;
      this.#restarts += 1;
      this.start().catch((error: unknown) => {
        // This process goes on with the tokens that it has. Only this says why it gets no new ones.
        if (!this.#closing) this.#onFault(error, "the start of another keeper");
        // When a process ends, its exit event calls #lost. A process that could not even be made has no such event.
        if (this.#child?.pid === undefined) this.#lost();
      });
    }, waitMs).unref();
  }

  #outboxOf(child: ChildProcess): Outbox<ToKeeper<Opening>> {
    return new Outbox(
      (messages) => {
        // Where the channel closes while we send, the keeper's exit event follows, and the requests are sent to the next
        // keeper.
        if (child.connected) child.send(messages, () => undefined);
      },
      (message, error) => {
        if (message.type === "request") this.#settle(message.id)?.reject(error);
        else this.#onFault(error, "a message to the keeper");
      },
    );
  }

  /** @throws {OnbehalfError} `keeper_unavailable`: the process could not be made */
  #fork(): ChildProcess {
    const { file, execArgv, environment, cwd, stderr, hints } = this.#program;
    try {
      // The keeper gets a process group of its own: a signal to this process's group, such as one from its terminal,
      // must not end the keeper as well.
      const child = fork(file, {
        detached: true,
        windowsHide: true,
        // JSON would make texts of the times in an error's details.
        serialization: "advanced",
        stdio: ["ignore", "ignore", stderr === "inherit" ? "inherit" : "pipe", "ipc"],
        execArgv: [...execArgv],
        ...defined({ cwd, env: environment?.() }),
      });
      child.stderr?.on("data", (chunk: Buffer) => process.stderr.write(chunk));
      return child;
    } catch (error) {
      throw notStarted(error, hints);
    }
  }
}

function requestMessage(id: number, { request, span }: Pending): ToKeeper<never> & { type: "request" } {
  return { type: "request", id, request, ...(span?.isRecorded === true ? { spans: true } : {}) };
}

/** A keeper that runs must not keep this process from ending. */
function letGo(child: ChildProcess): void {
  child.unref();
  child.channel?.unref();
  (child.stderr as Socket | null)?.unref();
}

function closed(): OnbehalfError<"store_unavailable"> {
  return new OnbehalfError("store_unavailable", "the vault was closed, and its keeper with it", {
    hint: "open another vault, or close this one later",
    details: { retryAfterMs: 1_000 },
  });
}
