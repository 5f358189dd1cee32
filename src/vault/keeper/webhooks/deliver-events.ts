/**
 * webhooks/ delivers events to the app's address: at least once, those of a grant in their order. Which events there are does
 * not belong here.
 */
import { createHash } from "node:crypto";
import { numbersLeftOut } from "../../../core/epoch.ts";
import { eventOf } from "../../../core/events/app-event.ts";
import { isInFuture } from "../../../core/recorded-time.ts";
import { lineOf, nextTryAt } from "../../../core/events/webhook-schedule.ts";
import type { EventRow } from "../../../store/event-store.ts";
import type { WaitingDelivery, WebhookState } from "../../../store/webhook-store.ts";
import { tiesOf } from "../../app-events/event-reader.ts";
import type { KeeperContext } from "../context.ts";
import { sendWebhook } from "./send-webhook.ts";
import type { Webhook } from "./send-webhook.ts";

/** How many requests are under way at once, each of another line. */
const linesAtOnce = 16;
/**
 * How many new events, and how many that have waited, are sent before it is noted what came of them. What was not noted is sent
 * again where the process is killed: with many, one that is killed again and again would come no further.
 */
const pageSize = linesAtOnce;
/** How long the others wait for a slow receiver before they go on, milliseconds. */
const slowMs = 1_000;
/** After so many failures in a row nothing new is sent, until one of those that wait is delivered. */
const downAfter = 20;
/** An owner of which nothing is known, and which has written nothing for so long, is no more. Milliseconds. */
const ownerSilentMs = 60_000;
/** How soon an owner writes that it is there, milliseconds. */
const ownerSaysMs = 20_000;
/** When a delivery that is under way is tried by somebody else, should this process die with it, milliseconds. */
const inHandMs = 60_000;

/** An event on its way: with the row that it had, where it has waited. */
interface Item {
  readonly seq: number;
  readonly event: EventRow | undefined;
  readonly row: WaitingDelivery | undefined;
}

/** What came of some of a line's events. */
interface LineResult {
  readonly line: string;
  readonly delivered: readonly number[];
  readonly waiting: readonly WaitingDelivery[];
}

/** Makes a function to be called every second: it delivers all that there is, if no other process does. */
export function deliverEvents(context: KeeperContext, webhook: Webhook): (signal: AbortSignal) => Promise<void> {
  const delivery = new Delivery(context, webhook);
  return (signal) => delivery.round(signal);
}

class Delivery {
  readonly #context: KeeperContext;
  readonly #webhook: Webhook;
  readonly #urlHash: string;
  /** How far this process has read; undefined while it is not the owner. */
  #position: number | undefined;
  #seenAt = 0;
  #failuresInARow = 0;
  /** Lines whose request takes long, and whose end is noted when it is there. */
  readonly #inHand = new Set<string>();
  readonly #sending = new Set<Promise<unknown>>();
  #finished: LineResult[] = [];
  #isGone = false;

  constructor(context: KeeperContext, webhook: Webhook) {
    this.#context = context;
    this.#webhook = webhook;
    this.#urlHash = createHash("sha256").update(webhook.url).digest("hex");
  }

  async round(signal: AbortSignal): Promise<void> {
    if (this.#position === undefined && !(await this.#claim())) return;
    for (;;) {
      const isMore = await this.#batch(signal);
      if (this.#isGone) return this.#stop();
      if (signal.aborted) return this.#leave(signal);
      if (!isMore) return;
    }
  }

  /** Becomes the owner where there is none, or it is certain that there is none any more. */
  async #claim(): Promise<boolean> {
    const { store, owner, clock } = this.#context;
    const state = await store.webhookState();
    const isStopped = state !== undefined && state.stopped !== null && state.urlHash === this.#urlHash;
    if (isStopped || (state !== undefined && !(await this.#isFree(state)))) return false;
    const seenAt = state?.seenAt ?? 0;
    const now = clock.now();
    const at = isInFuture(seenAt, now) ? now : Math.max(now, seenAt + 1);
    if (!(await store.claimWebhook({ owner, urlHash: this.#urlHash, at }, state))) return false;
    this.#position = (await store.webhookState())?.position;
    if (isInFuture(seenAt, now)) await store.hastenDeliveries(now);
    this.#seenAt = at;
    this.#finished = [];
    return this.#position !== undefined;
  }

  async #isFree({ owner, seenAt }: WebhookState): Promise<boolean> {
    if (owner === null) return true;
    const liveness = await this.#context.livenessOf(owner);
    if (liveness === "dead" || liveness === "mine") return true;
    // In our future, too: a clock was wrong, and deliveries must not stop until it would be right.
    return liveness === "unknown" && Math.abs(this.#context.clock.now() - seenAt) > ownerSilentMs;
  }

  /** @returns whether there may be more to do now */
  async #batch(signal: AbortSignal): Promise<boolean> {
    const { store, clock } = this.#context;
    await this.#followClock();
    const from = this.#position ?? 0;
    const isOver = signal.aborted;
    const isFree = ({ line }: WaitingDelivery): boolean => !this.#inHand.has(line);
    const due = isOver ? [] : (await store.dueDeliveries(clock.now(), pageSize)).filter(isFree);
    const page = isOver
      ? []
      : this.#failuresInARow < downAfter || due.length === 0
        ? await this.#nextPage(from, due.length)
        : [];
    const lines = new Map<string, Item[]>();
    for (const { line } of due) {
      // The first of the line; the next one follows in the next batch, at once.
      const rows = await store.deliveriesOf(line, 1);
      lines.set(line, await Promise.all(rows.map((row) => this.#itemOf(row))));
    }
    const behind: WaitingDelivery[] = [];
    const blocked = new Set<string>();
    for (const event of page) {
      const line = lineOf(event);
      const known = lines.get(line);
      const isFirst = known === undefined && !blocked.has(line) && !this.#inHand.has(line);
      if (isFirst && (await store.deliveriesOf(line, 1)).length === 0) {
        lines.set(line, [{ seq: event.seq, event, row: undefined }]);
      } else if (known?.[0]?.row === undefined && known !== undefined)
        known.push({ seq: event.seq, event, row: undefined });
      else {
        blocked.add(line);
        behind.push(waitingBehind(event.seq, line));
      }
    }
    const results = await this.#sendLines(lines, signal);
    const finished = this.#finished.splice(0);
    const all = [...finished, ...results];
    const waited = all.filter(({ line, waiting }) => waiting.length > 0 || lines.get(line)?.[0]?.row !== undefined);
    const noted = {
      position: page.at(-1)?.seq ?? from,
      lines: [...new Set([...blocked, ...finished.map(({ line }) => line), ...waited.map(({ line }) => line)])],
      delivered: all.flatMap(({ delivered }) => delivered),
      waiting: [...behind, ...all.flatMap(({ waiting }) => waiting)],
    };
    const isNothing = noted.position === from && noted.delivered.length + noted.waiting.length === 0;
    const now = clock.now();
    if (isNothing && now - this.#seenAt < ownerSaysMs) return false;
    const isOwner = await store.noteDeliveries(this.#context.owner, now, noted);
    this.#seenAt = now;
    this.#position = isOwner ? noted.position : undefined;
    return isOwner && !isNothing;
  }

  /** A clock that was ahead has put tries off for as long as it was. */
  async #followClock(): Promise<void> {
    const now = this.#context.clock.now();
    if (!isInFuture(this.#seenAt, now)) return;
    await this.#context.store.hastenDeliveries(now);
    this.#seenAt = now;
  }

  /** Nothing new while the receiver is down: those that wait find out whether it is back. */
  async #nextPage(after: number, due: number): Promise<EventRow[]> {
    if (this.#failuresInARow >= downAfter && due === 0) {
      const { waiting } = await this.#context.store.deliveryCounts();
      const { seq } = await this.#context.store.eventHead();
      // All of those were given up: somebody has to find out.
      if (waiting > (seq - after) % numbersLeftOut) return [];
    }
    return this.#context.store.events({ after, limit: pageSize });
  }

  async #itemOf(row: WaitingDelivery): Promise<Item> {
    const [event] = await this.#context.store.events({ after: row.seq - 1, limit: 1 });
    return { seq: row.seq, event: event?.seq === row.seq ? event : undefined, row };
  }

  /** Some lines at once. Those that take long are waited for no longer, and their rows say where somebody else begins. */
  async #sendLines(lines: ReadonlyMap<string, readonly Item[]>, signal: AbortSignal): Promise<LineResult[]> {
    const left = [...lines];
    const results: LineResult[] = [];
    const slow: LineResult[] = [];
    const one = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [line, items] = next;
        const sending = this.#sendLine(line, items, signal);
        const late = Promise.withResolvers<"late">();
        const timer = setTimeout(() => late.resolve("late"), slowMs);
        const result = await Promise.race([sending, late.promise]);
        clearTimeout(timer);
        if (result !== "late") results.push(result);
        else {
          this.#inHand.add(line);
          slow.push({ line, delivered: [], waiting: items.map((item, n) => this.#inHandRow(line, item, n === 0)) });
          const ending = sending.then((end) => {
            this.#finished.push(end);
            this.#inHand.delete(line);
            this.#sending.delete(ending);
          });
          this.#sending.add(ending);
        }
      }
    };
    const places = Math.max(1, linesAtOnce - this.#inHand.size);
    await Promise.all(Array.from({ length: places }, one));
    return [...slow, ...results];
  }

  #inHandRow(line: string, { seq, row }: Item, isFirst: boolean): WaitingDelivery {
    const nextAt = isFirst ? this.#context.clock.now() + inHandMs : null;
    return { ...(row ?? waitingBehind(seq, line)), nextAt };
  }

  /** One after the other, up to the first that fails. */
  async #sendLine(line: string, items: readonly Item[], signal: AbortSignal): Promise<LineResult> {
    const { clock, emit } = this.#context;
    const delivered: number[] = [];
    const waiting: WaitingDelivery[] = [];
    let isBlocked = false;
    for (const { seq, event, row = waitingBehind(seq, line) } of items) {
      if (isBlocked || signal.aborted || this.#isGone) {
        // The first of those that are left is tried again; the others follow it.
        waiting.push(waiting.length === 0 ? { ...row, nextAt: clock.now() } : { ...row, nextAt: null });
        continue;
      }
      // It is older than events are kept.
      const end = event === undefined ? "delivered" : await this.#send(event, signal);
      if (end === "gone") this.#isGone = true;
      if (end === "delivered") {
        this.#failuresInARow = 0;
        delivered.push(seq);
        continue;
      }
      if (signal.aborted || end === "gone") {
        isBlocked = true;
        waiting.push({ ...row, nextAt: clock.now() });
        continue;
      }
      this.#failuresInARow += 1;
      const now = clock.now();
      const tries = row.tries + 1;
      const nextAt = nextTryAt(tries, now);
      const tried = { ...row, tries, firstAt: row.firstAt ?? now, error: end.error };
      if (nextAt === undefined) {
        waiting.push({ ...tried, nextAt: null, deadAt: now });
        emit({ type: "webhook_given_up", seq, provider: event?.provider ?? "", error: end.error });
        continue;
      }
      isBlocked = true;
      waiting.push({ ...tried, nextAt });
    }
    return { line, delivered, waiting };
  }

  async #send(event: EventRow, signal: AbortSignal): Promise<Awaited<ReturnType<typeof sendWebhook>>> {
    const { fetch, clock, store } = this.#context;
    const row = event.grantId === null ? undefined : await store.grantById(event.grantId);
    const told = eventOf(event, row === undefined ? [] : tiesOf(this.#context, row));
    return sendWebhook({ fetch, now: () => clock.now() }, this.#webhook, told, signal);
  }

  /** The receiver has said that it wants no more. */
  async #stop(): Promise<void> {
    const { store, owner, emit } = this.#context;
    await store.leaveWebhook(owner, "410 Gone");
    this.#position = undefined;
    this.#isGone = false;
    emit({ type: "webhook_stopped", reason: "the receiver answered 410 Gone" });
  }

  /** Notes what was under way, so that the next owner need not wait for it. */
  async #leave(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#sending);
    if (this.#finished.length > 0 && this.#position !== undefined) await this.#batch(signal);
    this.#position = undefined;
    await this.#context.store.leaveWebhook(this.#context.owner, null);
  }
}

function waitingBehind(seq: number, line: string): WaitingDelivery {
  return { seq, line, tries: 0, firstAt: null, nextAt: null, error: null, deadAt: null };
}
