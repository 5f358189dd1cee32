import { json } from "./messages.ts";
import type { Handler } from "./messages.ts";

/** A document that anybody may read and keep for a while, from any page. */
export function published(document: () => unknown): Handler {
  const headers = { "cache-control": "public, max-age=19800, must-revalidate", "access-control-allow-origin": "*" };
  return () => json(200, document(), { outcome: "served" }, headers);
}
