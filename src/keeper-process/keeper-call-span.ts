import { defined } from "../core/defined.ts";
import type { SpanBegin } from "../core/spans/spans.ts";
import { aboutRequest } from "./messages.ts";
import type { KeeperRequest } from "./messages.ts";

/** What a call of the keeper is, as a span. Undefined: it is no part of anybody's work, as where it is only watched. */
export function keeperCallSpan(request: KeeperRequest): SpanBegin | undefined {
  const { verb } = request;
  if (verb === "figures" || verb === "readingKeys") return undefined;
  const { grantId } = verb === "refresh" ? request.seen : verb === "revoke" ? request : {};
  const provider = verb === "refresh" ? request.seen.provider : verb === "revoke" ? undefined : request.provider;
  const attributes = defined({
    "onbehalf.keeper.verb": verb,
    "onbehalf.grant.id": grantId,
    "onbehalf.provider": provider,
    "onbehalf.request.id": aboutRequest(request)?.requestId,
  });
  return { name: "onbehalf.keeper", kind: "internal", attributes };
}
