import { eventBody } from "../../../core/events/app-event.ts";
import type { AppEvent } from "../../../core/events/app-event.ts";
import { webhookHeaders } from "./sign-webhook.ts";

/** Where events are delivered, and by what the receiver knows that they are ours. */
export interface Webhook {
  /** https, or http on this machine. */
  readonly url: string;
  /** `whsec_…`. Several: each delivery has a signature by each, so that a receiver can change from one to the other. */
  readonly secrets: readonly string[];
}

/** How a delivery ended. `gone`: the receiver wants no more. */
export type Delivered = "delivered" | "gone" | { readonly error: string };

/** How long a receiver may take to answer, milliseconds. */
export const answerWithinMs = 15_000;

/** Sends an event once. Never rejects. */
export async function sendWebhook(
  { fetch, now }: { readonly fetch: typeof globalThis.fetch; readonly now: () => number },
  { url, secrets }: Webhook,
  event: AppEvent,
  signal: AbortSignal,
): Promise<Delivered> {
  const body = JSON.stringify({ type: event.type, timestamp: event.at, data: eventBody(event) });
  const limit = AbortSignal.timeout(answerWithinMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: webhookHeaders(secrets, event.id, Math.floor(now() / 1_000), body),
      body,
      // Another address than the operator's would learn what happened to whom.
      redirect: "manual",
      signal: AbortSignal.any([limit, signal]),
    });
    await response.body?.cancel().catch(() => undefined);
    if (response.status === 410) return "gone";
    return response.status >= 200 && response.status < 300 ? "delivered" : { error: `status ${response.status}` };
  } catch (error) {
    if (limit.aborted) return { error: `no answer within ${answerWithinMs / 1_000} seconds` };
    // Its code and not its message, which could repeat the address with a password in it.
    const { cause } = error as { readonly cause?: { readonly code?: unknown } };
    const code = cause?.code ?? (error as { readonly code?: unknown }).code;
    return { error: typeof code === "string" ? code : "no connection" };
  }
}
