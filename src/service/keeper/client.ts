/**
 * The service's side of its keeper: this starts the keeper's process, sends it requests, and starts another one when it
 * dies. What the keeper does with a request does not belong here.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { defined } from "../../core/defined.ts";
import { configurationInvalid } from "../../core/errors.ts";
import { holderWaitMs } from "../../core/timing.ts";
import type { Keeper, OnEvent, OnFault, Provider } from "../../index.ts";
import type { Settings } from "../settings/config.ts";
import { closedToDebuggers } from "../secrets/closed-to-debuggers.ts";
import { notStarted, startHint, unavailable } from "../keeper-unavailable.ts";
import {
  fromErrorMessage,
  fromFaultMessage,
  fromOutcomeMessage,
  fromProviderMessage,
  toDepositMessage,
  toHeldMessage,
  toProofMessage,
  toRequestMessage,
} from "./messages.ts";
import type { FromKeeper, KeeperRequest, ReadingKeys, ToKeeper } from "./messages.ts";

/** How long a request waits for a keeper that is being restarted, milliseconds. */
const restartWaitMs = 15_000;
/**
 * How long to wait before a keeper is started again, milliseconds: longer after each one that died before it was ready.
 */
const restartAfterMs = [0, 250, 1_000, 5_000] as const;

/**
 * How many requests may be under way at once. A keeper that stands still must not have the service keep all that
 * arrives meanwhile in memory.
 */
const mostPending = 10_000;

/** What a keeper's process needs to open its store. */
export interface KeeperProcessOptions {
  readonly settings: Settings;
  /** Whether to bring the store's schema up to date. */
  readonly migrate: boolean;
  /** Where the keeper gets what is secret of the settings, where this process must not have it. */
  readonly heldSecrets?: string;
}

/** A keeper that works in another process. */
export interface KeeperClient extends Keeper {
  /** @throws {OnbehalfError} `keeper_unavailable`: no keeper is ready just now */
  assertReady(): void;
  readingKeys(): Promise<ReadingKeys>;
  /** The id of the client that each provider is used with, by the provider's name. */
  readonly clientIds: Readonly<Record<string, string>>;
  /** The providers of the file, without their secrets. */
  readonly providers: readonly Provider[];
  /** The keeper's process; undefined while there is none. */
  readonly pid: number | undefined;
}

interface Pending {
  readonly request: KeeperRequest;
  readonly resolve: (value: (FromKeeper & { type: "answer" })["value"]) => void;
  readonly reject: (error: unknown) => void;
  /** Ends the wait where no answer comes. While it runs, it holds the request with everything in it. */
  readonly timer: NodeJS.Timeout;
}

/**
 * Starts a keeper and keeps one running. When a keeper dies, the requests that were under way are sent again to the
 * next one: the store shows how far each had come.
 *
 * @param onFault told of unexpected errors in the keeper, which goes on
 * @throws {OnbehalfError} `configuration_invalid`: this module is part of a bundle
 * @throws {OnbehalfError} why the first keeper could not open its store: `configuration_invalid`, `key_invalid`,
 *   `store_unavailable`, `store_unusable`; `keeper_unavailable` where its process ended before it said why
 */
export async function startKeeper(
  options: KeeperProcessOptions,
  onEvent: OnEvent,
  onFault: OnFault,
): Promise<KeeperClient> {
  const client = new ForkedKeeper(options, onEvent, onFault);
  try {
    await client.start();
    return client;
  } catch (error) {
    // Where the first keeper cannot start, an operator must correct something. Trying again for ever would only keep
    // the service from ending with the reason.
    await client.close();
    throw error;
  }
}

class ForkedKeeper implements KeeperClient {
  readonly #options: KeeperProcessOptions;
  readonly #onEvent: OnEvent;
  readonly #onFault: OnFault;
  readonly #pending = new Map<number, Pending>();
  #child: ChildProcess | undefined;
  #ready = false;
  #closing = false;
  #clientIds: KeeperClient["clientIds"] = {};
  #providers: readonly Provider[] = [];
  #nextId = 1;
  #deaths = 0;
  #restarting = false;

  constructor(options: KeeperProcessOptions, onEvent: OnEvent, onFault: OnFault) {
    this.#options = options;
    this.#onEvent = onEvent;
    this.#onFault = onFault;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get clientIds(): KeeperClient["clientIds"] {
    return this.#clientIds;
  }

  get providers(): readonly Provider[] {
    return this.#providers;
  }

  async start(): Promise<void> {
    const program = keeperProgram();
    return new Promise((resolve, reject) => {
      const child = forked(program);
      this.#child = child;
      child.on("message", (message: FromKeeper) => {
        if (message.type === "ready") {
          this.#ready = true;
          this.#clientIds = message.clientIds;
          this.#providers = message.providers.map(fromProviderMessage);
          for (const [id, { request }] of this.#pending) this.#send(child, { type: "request", id, request });
          resolve();
        } else if (message.type === "failed") reject(fromErrorMessage(message.error));
        else this.#receive(message);
      });
      child.once("error", (error) => reject(notStarted(error)));
      child.once("exit", (code, signal) => {
        const how = signal === null ? `with exit code ${code ?? "unknown"}` : `by ${signal}`;
        reject(unavailable(`the keeper's process ended before it was ready, ${how}`, startHint));
        if (this.#child !== child) return;
        if (this.#ready && !this.#closing) {
          this.#onFault(unavailable(`the keeper's process ended ${how}; another one is started`), "the keeper");
        }
        this.#lost();
      });
      this.#send(child, { type: "open", ...this.#options });
    });
  }

  assertReady(): void {
    if (!this.#ready) throw unavailable();
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

  async readingKeys(): Promise<ReadingKeys> {
    return (await this.#ask({ verb: "readingKeys" })) as ReadingKeys;
  }

  /** Resolves when the keeper has finished its work and its process has ended. */
  async close(): Promise<void> {
    this.#closing = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    if (child.connected) child.disconnect();
    await gone;
  }

  #ask(request: KeeperRequest): Promise<(FromKeeper & { type: "answer" })["value"]> {
    return new Promise((resolve, reject) => {
      if (this.#pending.size >= mostPending) throw unavailable();
      const id = this.#nextId++;
      // The keeper may be alive and stand still, so stop waiting after longer than an exchange may take. The keeper's
      // work on the request goes on.
      const timer = setTimeout(() => this.#giveUp(id), holderWaitMs).unref();
      this.#pending.set(id, { request, resolve, reject, timer });
      if (this.#child !== undefined && this.#ready) this.#send(this.#child, { type: "request", id, request });
      else this.#expire(id, restartWaitMs);
    });
  }

  #expire(id: number, ms: number): void {
    setTimeout(() => {
      if (!this.#ready) this.#giveUp(id);
    }, ms).unref();
  }

  #giveUp(id: number): void {
    this.#settle(id)?.reject(unavailable());
  }

  /** Takes a request off the list: nothing of it is kept any longer. */
  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }

  #receive(message: Exclude<FromKeeper, { type: "ready" | "failed" }>): void {
    if (message.type === "event") {
      this.#onEvent(message.event);
      return;
    }
    if (message.type === "fault") {
      this.#onFault(fromFaultMessage(message.error), `${message.during} (keeper)`);
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
    if (this.#closing) return;
    this.#restarting = true;
    this.#deaths = wasReady ? 0 : this.#deaths + 1;
    for (const id of this.#pending.keys()) this.#expire(id, restartWaitMs);
    const waitMs = restartAfterMs[Math.min(this.#deaths, restartAfterMs.length - 1)];
    setTimeout(() => {
      this.#restarting = false;
      if (this.#closing) return;
      this.start().catch((error: unknown) => {
        // The service goes on with the tokens that it has. Only this line says why it gets no new ones.
        if (!this.#closing) this.#onFault(error, "the start of another keeper");
        // When a process ends, its exit event calls #lost. A process that could not even be made has no such event.
        if (this.#child?.pid === undefined) this.#lost();
      });
    }, waitMs);
  }

  #send(child: ChildProcess, message: ToKeeper): void {
    // Where the channel closes while we send, the keeper's exit event follows, and the request is sent to the next
    // keeper.
    if (child.connected) child.send(message, () => undefined);
  }
}

/**
 * The keeper's program, which stands beside this module. In a bundle this module stands elsewhere, and the file of that
 * name would be the app's own: it must not be run, and get the master key.
 */
function keeperProgram(): URL {
  const extension = /\/service\/keeper\/client\.(ts|js)$/.exec(import.meta.url)?.[1];
  if (extension !== undefined) return new URL(`process.${extension}`, import.meta.url);
  throw configurationInvalid(
    "the service is part of a bundle, and its keeper's program is not",
    "leave onbehalf out of the bundle, as with esbuild --external:onbehalf, or set ONBEHALF_KEEPER=none",
  );
}

/** @throws {OnbehalfError} `keeper_unavailable`: the process could not be made */
function forked(program: URL): ChildProcess {
  try {
    // The keeper gets a process group of its own: a signal to the service's group, such as one from its terminal,
    // must not end the keeper as well.
    return fork(program, {
      detached: true,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      execArgv: [...new Set([...process.execArgv, ...closedToDebuggers])],
    });
  } catch (error) {
    throw notStarted(error);
  }
}
