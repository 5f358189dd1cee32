/**
 * The links that people were sent to and have not come back from, as far as this process has made them. Somebody whose agent
 * calls ten tools gets one link, and the clients that were given it learn when it is done.
 */
import { randomUUID } from "node:crypto";
import type { LinkContent } from "./sealed-link.ts";

/** A link that waits for its person. */
export interface WaitingLink {
  readonly content: LinkContent;
  readonly url: string;
  /** What tells a client that it is done, by the server that it is connected to. */
  readonly notifiers: Map<object, () => Promise<void>>;
  /** Ends when the person has connected. */
  readonly done: Promise<void>;
  readonly finish: () => void;
}

/** How long a link works, milliseconds. Its person may have to find their password first. */
const lifeMs = 30 * 60_000;
/** With less life left than this, a new one is made. */
const tooShortMs = 10 * 60_000;
/** Links that are remembered. The oldest are forgotten first; they work on. */
const mostWaiting = 10_000;
/** Clients that are told of one link. */
const mostNotified = 20;

export class WaitingLinks {
  readonly #byKey = new Map<string, WaitingLink>();
  readonly #urlOf: (content: LinkContent) => string;

  constructor(urlOf: (content: LinkContent) => string) {
    this.#urlOf = urlOf;
  }

  /** The link of this person for this, which may be there already. @param now milliseconds since the Unix epoch */
  for(asked: Omit<LinkContent, "id" | "expiresAt">, now: number): WaitingLink {
    const key = keyOf(asked);
    const known = this.#byKey.get(key);
    if (known !== undefined && known.content.expiresAt - now > tooShortMs) return known;
    this.#drop(now);
    const content = { ...asked, id: randomUUID(), expiresAt: now + lifeMs };
    const { promise: done, resolve: finish } = Promise.withResolvers<void>();
    const link = { content, url: this.#urlOf(content), notifiers: known?.notifiers ?? new Map(), done, finish };
    this.#byKey.delete(key);
    this.#byKey.set(key, link);
    return link;
  }

  /** Has a client be told when the link is done. */
  notify({ notifiers }: WaitingLink, server: object, notifier: () => Promise<void>): void {
    notifiers.delete(server);
    if (notifiers.size >= mostNotified) notifiers.delete(notifiers.keys().next().value ?? server);
    notifiers.set(server, notifier);
  }

  /** Ends the link of this person for this, if one waits, and tells the clients that were given it. */
  async done(asked: Omit<LinkContent, "id" | "expiresAt">): Promise<void> {
    const key = keyOf(asked);
    const link = this.#byKey.get(key);
    if (link === undefined) return;
    this.#byKey.delete(key);
    link.finish();
    // A client that has gone away needs no notice; what others are owed does not depend on it.
    await Promise.allSettled([...link.notifiers.values()].map((notify) => notify()));
  }

  #drop(now: number): void {
    for (const [key, { content }] of this.#byKey) {
      if (this.#byKey.size < mostWaiting && content.expiresAt > now) return;
      this.#byKey.delete(key);
    }
  }
}

function keyOf({ externalId, provider, account, scopes }: Omit<LinkContent, "id" | "expiresAt">): string {
  return JSON.stringify([externalId, provider, account, [...(scopes ?? [])].sort()]);
}
