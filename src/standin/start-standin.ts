import { BadInput } from "./input-checks.ts";
import { startMcp } from "./mcp/mcp-standin.ts";
import type { McpStandin, McpStandinOptions } from "./mcp/mcp-standin.ts";
import { startOAuth2 } from "./oauth2/oauth2-standin.ts";
import type { OAuth2Standin, OAuth2StandinOptions } from "./oauth2/oauth2-standin.ts";
import { startGoogle } from "./google/google-standin.ts";
import type { Standin, StandinOptions } from "./google/google-standin.ts";

/** The kinds of stand-in. */
export const standinKinds = ["google", "oauth2", "mcp"] as const;

/** One kind of stand-in. */
export type StandinKind = (typeof standinKinds)[number];

/**
 * Starts a stand-in on a loopback address: for Google, unless another kind is named. It keeps all state in memory, and
 * forgets it when it closes.
 *
 * @returns the stand-in, once it listens
 * @throws {BadInput} naming the option that is unknown or out of range
 * @throws the system's error, such as `EADDRINUSE`, where host and port cannot be listened on
 */
export function startStandin(options: McpStandinOptions): Promise<McpStandin>;
export function startStandin(options: OAuth2StandinOptions | McpStandinOptions): Promise<OAuth2Standin>;
export function startStandin(options?: StandinOptions): Promise<Standin>;
export async function startStandin(
  options: StandinOptions | OAuth2StandinOptions | McpStandinOptions = {},
): Promise<Standin | OAuth2Standin> {
  switch (options.kind) {
    case undefined:
    case "google":
      return startGoogle(options);
    case "oauth2":
      return startOAuth2(options);
    case "mcp":
      return startMcp(options);
    default:
      throw new BadInput(`kind must be one of ${standinKinds.join(", ")}`);
  }
}
