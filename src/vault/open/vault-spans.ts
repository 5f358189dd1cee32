import { openTelemetrySpans } from "../../core/spans/opentelemetry.ts";
import type { Telemetry } from "../../core/spans/opentelemetry.ts";
import type { Spans } from "../../core/spans/spans.ts";
import { userAgent } from "../../outbound/user-agent.ts";
import { currentPrincipal } from "../context.ts";

/**
 * The spans of a vault or keeper: each says for which request its work was done, as the log and the audit log do.
 *
 * @param given who makes them in place of OpenTelemetry, as in a keeper's process
 * @returns undefined: nobody watches
 */
export function vaultSpans(telemetry: Telemetry | undefined, given?: Spans): Spans | undefined {
  const spans = given ?? (telemetry === undefined ? undefined : openTelemetrySpans(telemetry, userAgent));
  if (spans === undefined) return undefined;
  return {
    ...spans,
    run(begin, work) {
      const id = currentPrincipal()?.requestId;
      if (typeof id !== "string") return spans.run(begin, work);
      return spans.run({ ...begin, attributes: { ...begin.attributes, "onbehalf.request.id": id } }, work);
    },
  };
}
