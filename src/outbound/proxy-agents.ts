import { Agent as HttpAgent } from "node:http";
import type { AgentOptions } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { failure } from "./failures.ts";
import { canUseProxies, proxyFor } from "./proxy-settings.ts";

/** By which way a request goes. */
export interface Route {
  readonly agent: HttpAgent;
  /** Host and port of the proxy; undefined where the request goes to its server directly. */
  readonly proxy?: string;
}

/** Connections are kept for as long as servers keep theirs at least: one that the server closes fails the request. */
const kept: AgentOptions = { keepAlive: true, timeout: 4_000 };

/**
 * How requests reach their servers.
 *
 * @param tunnelMs how long a proxy may take to open the way, milliseconds
 * @throws {OnbehalfError} `configuration_invalid`: a variable names a proxy that cannot be used
 */
export function routesFrom(environment: NodeJS.ProcessEnv, tunnelMs: number): (url: URL) => Route {
  const env = { ...environment };
  const direct = { "http:": new HttpAgent(kept), "https:": new HttpsAgent(kept) };
  const proxied = new Map<string, HttpAgent>();
  return (url) => {
    const protocol = url.protocol === "https:" ? "https:" : "http:";
    const proxy = canUseProxies() ? proxyFor(url, env) : undefined;
    if (proxy === undefined) return { agent: direct[protocol] };
    // Going directly instead would take a way that somebody has closed on purpose, or that leads past what they log.
    if ("unusable" in proxy)
      throw failure("PROXY_UNUSABLE", `${proxy.variable} must be the http or https URL of a proxy`);
    let agent = proxied.get(protocol);
    if (agent === undefined) {
      // A proxy may drop an idle tunnel without a word, and the request that uses it next would be lost. So none is kept.
      const options = { timeout: tunnelMs, proxyEnv: { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url } };
      agent = protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
      proxied.set(protocol, agent);
    }
    return { agent, proxy: proxy.host };
  };
}
