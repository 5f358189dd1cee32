import type { ConnectStatus } from "../../../core/connect.ts";
import type { Outcome } from "./pages/index.ts";

/**
 * What to tell the person of a link that stands so.
 *
 * @param error why it failed
 */
export function outcomeOf(status: ConnectStatus, error?: string): Outcome {
  if (status === "expired") return "expired";
  // What is pending becomes a grant by itself, or in the app, without the person.
  if (status === "finished" || status === "pending") return "connected";
  return byError.get(error ?? "") ?? "failed";
}

const byError: ReadonlyMap<string, Outcome> = new Map([
  ["access_denied", "denied"],
  ["other_account", "not_same_account"],
  ["external_id_conflict", "other_account"],
]);
