import { isIP } from "node:net";
import { failure } from "./failures.ts";
import type { OutboundInit } from "./outbound-fetch.ts";
import { isLoopback } from "./proxy-settings.ts";
import { isPublicAddress } from "./public-lookup.ts";

/**
 * Sends to the public internet alone, where an address was chosen by somebody else's server: it could name a machine
 * inside our network.
 *
 * @param send sends the requests
 * @param isOnThisMachine whether that server is on this machine itself, as in tests: then others here may be reached, too
 * @returns a `fetch` that fails with `ADDRESS_NOT_PUBLIC` before anything is sent
 */
export function publicOnly(send: typeof fetch, isOnThisMachine: boolean): typeof fetch {
  return async (input, init = {}) => {
    const { hostname } = new URL(input instanceof Request ? input.url : input);
    if (isOnThisMachine && isLoopback(hostname)) return send(input, init);
    const address = hostname.replace(/^\[|\]$/g, "");
    if (isLoopback(hostname) || (isIP(address) !== 0 && !isPublicAddress(address))) {
      throw failure("ADDRESS_NOT_PUBLIC", `${hostname} is not on the public internet`);
    }
    return send(input, { ...init, publicOnly: true } satisfies OutboundInit as RequestInit);
  };
}
