import { Reach } from "../../core/reach.ts";
import type { Maker } from "../../core/maker.ts";
import type { Callers } from "./callers.ts";

/**
 * Whether whoever made a ticket or a connect link may still tie grants of this provider to this user: its key has not ended,
 * nor, where it used that of a session, that one.
 *
 * @param maker null or absent: the app itself, whose own are as good as the app
 * @throws {OnbehalfError} `store_unavailable`
 */
export async function mayStillConnect(
  callers: Pick<Callers, "current">,
  maker: Maker | null | undefined,
  { provider, externalId }: { readonly provider: string; readonly externalId: string },
): Promise<boolean> {
  if (maker === null || maker === undefined) return true;
  const caller = await callers.current(maker.callerId, maker.sessionId);
  if (caller === undefined || !caller.allow.includes("connect")) return false;
  const reach = new Reach(caller);
  return reach.hasProvider(provider) && reach.hasExternalId(externalId);
}
