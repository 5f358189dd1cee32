/**
 * The service's side of its keeper: starts the process, asks it, and starts another when it dies. What the keeper does
 * does not belong here.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { holderWaitMs } from "../../core/timing.ts";
import { OnbehalfError } from "../../index.ts";
import type { Keeper, OnEvent, OnFault } from "../../index.ts";
import type { Settings } from "../settings/config.ts";
import { fromErrorMessage, fromFaultMessage, fromOutcomeMessage, toRequestMessage } from "./messages.ts";
import type { FromKeeper, KeeperRequest, ToKeeper } from "./messages.ts";

/** How long a request waits for a keeper that is being restarted, milliseconds. */
const restartWaitMs = 15_000;
const restartAfterMs = [0, 250, 1_000, 5_000] as const;

/** How a keeper opens its store: as the service that it belongs to. */
export interface KeeperProcessOptions {
  readonly settings: Settings;
  readonly migrate: boolean;
}

/** The service's side of its keeper: a keeper that works in another process. */
export interface KeeperClient extends Keeper {
  /** Throws `keeper_unavailable` where no keeper is there just now. */
  assertReady(): void;
  readonly pid: number | undefined;
}

interface Pending {
  readonly request: KeeperRequest;
  readonly resolve: (value: (FromKeeper & { type: "answer" })["value"]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Starts a keeper and keeps one running. Requests that were under way when one died are asked again of the next: the
 * store knows how far each had come.
 *
 * @param onFault told of unexpected errors in the keeper, which goes on
 * @throws {OnbehalfError} whatever kept the first one from opening the store
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
    // What keeps the first one from starting is for people to mend: trying again for ever would keep the service from ending.
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

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
      // A group of its own: what ends the service, or its terminal, must not end the keeper with it.
      const child = fork(new URL(`process.${extension}`, import.meta.url), {
        detached: true,
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      });
      this.#child = child;
      child.on("message", (message: FromKeeper) => {
        if (message.type === "ready") {
          this.#ready = true;
          for (const [id, { request }] of this.#pending) this.#send(child, { type: "request", id, request });
          resolve();
        } else if (message.type === "failed") reject(fromErrorMessage(message.error));
        else this.#receive(message);
      });
      child.once("error", reject);
      child.once("exit", () => {
        reject(unavailable());
        if (this.#child === child) this.#lost();
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

  async refresh(...[seen, priority]: Parameters<Keeper["refresh"]>): ReturnType<Keeper["refresh"]> {
    const value = await this.#ask({ verb: "refresh", seen, priority });
    return fromOutcomeMessage(value as Parameters<typeof fromOutcomeMessage>[0]);
  }

  async revoke(grantId: string): Promise<void> {
    await this.#ask({ verb: "revoke", grantId });
  }

  /** Lets the keeper finish and go. */
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
      const id = this.#nextId++;
      this.#pending.set(id, { request, resolve, reject });
      if (this.#child !== undefined && this.#ready) this.#send(this.#child, { type: "request", id, request });
      else this.#expire(id, restartWaitMs);
      // Longer than an exchange may take, for the keeper may live and stand still. What was asked for goes on.
      setTimeout(() => this.#giveUp(id), holderWaitMs).unref();
    });
  }

  #expire(id: number, ms: number): void {
    setTimeout(() => {
      if (!this.#ready) this.#giveUp(id);
    }, ms).unref();
  }

  #giveUp(id: number): void {
    this.#pending.get(id)?.reject(unavailable());
    this.#pending.delete(id);
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
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
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
      this.start().catch(() => {
        // The end of a process comes round here by itself; one that could not even be made has none.
        if (this.#child?.pid === undefined) this.#lost();
      });
    }, waitMs);
  }

  #send(child: ChildProcess, message: ToKeeper): void {
    // A channel that closes under our hands is told by the exit event, which sends all of this again.
    if (child.connected) child.send(message, () => undefined);
  }
}

function unavailable(): OnbehalfError<"keeper_unavailable"> {
  return new OnbehalfError("keeper_unavailable", "the keeper is not running just now", {
    hint: "valid tokens are served meanwhile; it is restarted by itself, look at the log if it stays away",
    details: { retryAfterMs: 1_000 },
  });
}
