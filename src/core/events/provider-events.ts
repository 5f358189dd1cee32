import { reasonInWords } from "../diagnosis/provider-words.ts";
import { reasons } from "../diagnosis/reasons.ts";
import type { AppEventBody, AppEventDraft, AppEventType } from "./app-event.ts";

/** How a provider treats all grants of a client: as it should, it fails or does not answer, or it refuses our client. */
export type ProviderCondition = "well" | "down" | "refused";

/** The events of a change of a provider's condition. */
export function providerEvents(
  before: ProviderCondition,
  after: ProviderCondition,
  about: { readonly provider: string; readonly clientId: string; readonly error: string | undefined },
): AppEventDraft[] {
  if (before === after) return [];
  const { provider, clientId, error } = about;
  const said = error === undefined ? {} : { error };
  const event = (type: AppEventType, body: AppEventBody): AppEventDraft => ({
    type,
    grantId: null,
    provider,
    clientId,
    body,
  });
  // Who refuses our client has answered.
  const back = before === "down" ? [event("provider.back", {})] : [];
  if (after === "well") return back;
  if (after === "down") return [event("provider.down", { ...why("provider_unavailable"), ...said })];
  return [...back, event("client.refused", { ...why(reasonInWords(error ?? "", "") ?? "request_refused"), ...said })];
}

function why(reason: keyof typeof reasons): AppEventBody {
  const { dependsOn, fix } = reasons[reason];
  return { reason, dependsOn, fix };
}
