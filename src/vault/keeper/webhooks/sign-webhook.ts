import { createHmac } from "node:crypto";

/** What a secret begins with; the rest is base64 of 24 to 64 bytes. */
const prefix = "whsec_";

/**
 * The headers of a delivery. While a secret is replaced by another one, there is a signature by each.
 *
 * @param secrets each `whsec_` and base64
 * @param id the event's
 * @param sentAt seconds since the epoch
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function webhookHeaders(
  secrets: readonly string[],
  id: string,
  sentAt: number,
  body: string,
): Record<string, string> {
  const signed = `${id}.${sentAt}.${body}`;
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(prefix.length), "base64");
    return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  });
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(sentAt),
    "webhook-signature": signatures.join(" "),
  };
}
