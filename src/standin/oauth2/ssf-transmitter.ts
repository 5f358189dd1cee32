/**
 * The stream of security events to one receiver, and telling it of them. What an event is made of does not belong here
 * (security-event.ts), nor how a receiver asks for one (ssf-routes.ts).
 */
import { randomBytes, randomUUID } from "node:crypto";
import type { KeyRing } from "../state/key-ring.ts";
import { isLoopback } from "../state/loopback.ts";
import { SetDelivery } from "../state/set-delivery.ts";
import { eventsSupported } from "./ssf-event-types.ts";

/** RFC 8935: the transmitter calls the receiver. */
export const push = "urn:ietf:rfc:8935";

/** What a receiver asks for. */
export interface StreamRequest {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly eventsRequested: readonly string[];
  readonly description: string | undefined;
}

/** The one stream that there may be. */
export interface Stream extends StreamRequest {
  readonly id: string;
  readonly status: StreamStatus;
}

/** Whether events go out. Those of a paused stream are kept until it is enabled again. */
export type StreamStatus = "enabled" | "paused" | "disabled";

/** A transmitter of the Shared Signals Framework with one receiver. */
export class SsfTransmitter {
  /** By this bearer token the receiver may look after its stream. */
  readonly token: string = `ssf-${randomBytes(24).toString("base64url")}`;
  readonly keys: KeyRing;
  /** `aud` of everything that goes to the receiver: the transmitter chooses it. */
  readonly audience: string;
  readonly #delivery = new SetDelivery();
  #stream: Stream | undefined;
  #kept: string[] = [];

  constructor(keys: KeyRing, audience: string) {
    this.keys = keys;
    this.audience = audience;
  }

  get stream(): Stream | undefined {
    return this.#stream;
  }

  /** @returns what is wrong with the request; undefined: there is a stream from now on */
  create(request: StreamRequest): string | undefined {
    const flaw = flawOf(request);
    if (flaw === undefined) this.#stream = { ...request, id: randomUUID(), status: "enabled" };
    return flaw;
  }

  /** @returns what is wrong with the request; undefined: the stream is changed */
  change(changes: Partial<StreamRequest>): string | undefined {
    if (this.#stream === undefined) return "there is no stream";
    const changed = { ...this.#stream, ...changes };
    const flaw = flawOf(changed);
    if (flaw === undefined) this.#stream = changed;
    return flaw;
  }

  setStatus(status: StreamStatus): void {
    if (this.#stream === undefined) return;
    this.#stream = { ...this.#stream, status };
    if (status === "paused") return;
    const kept = this.#kept;
    this.#kept = [];
    for (const set of kept) this.deliver(set);
  }

  end(): void {
    this.#stream = undefined;
    this.#kept = [];
  }

  /** The events that a stream brings: those that were asked for, and that there are. */
  eventsDelivered({ eventsRequested }: StreamRequest): readonly string[] {
    return eventsRequested.filter((uri) => eventsSupported.includes(uri));
  }

  /** Delivers a token, unless nobody wants it, and again until it is taken or refused. */
  deliver(set: string): void {
    const stream = this.#stream;
    if (stream === undefined || stream.status === "disabled") return;
    if (stream.status === "paused") {
      this.#kept.push(set);
      return;
    }
    const { id, url, authorization } = stream;
    this.#delivery.send(url, set, () => this.#stream?.id === id && this.#stream.url === url, authorization);
  }

  close(): void {
    this.#delivery.close();
    this.end();
  }
}

function flawOf({ url }: StreamRequest): string | undefined {
  // A stand-in calls nobody but programs of this machine.
  return isLoopback(url) ? undefined : "delivery.endpoint_url must be an address of this machine";
}
