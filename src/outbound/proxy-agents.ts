import { Agent as HttpAgent } from "node:http";
import { failure } from "./failures.ts";
import { https } from "./node-https.ts";
import { canUseProxies, proxyFor, proxyVariables } from "./proxy-settings.ts";

/** The way of a request that goes through a proxy. */
export interface ProxyRoute {
  readonly agent: HttpAgent;
  /** Host and port of the proxy. */
  readonly proxy: string;
}

/**
 * How requests get through the proxies that the environment names.
 *
 * @param tunnelMs how long a proxy may take to open the way, milliseconds
 * @returns undefined where there is no proxy. Otherwise the way of a request to a URL, undefined where it goes directly;
 *   a request whose proxy cannot be used fails with `PROXY_UNUSABLE`
 */
export function proxyRoutes(
  environment: NodeJS.ProcessEnv,
  tunnelMs: number,
): ((url: URL) => ProxyRoute | undefined) | undefined {
  if (!canUseProxies() || proxyVariables(environment).length === 0) return undefined;
  const env = { ...environment };
  const agents = new Map<string, HttpAgent>();
  return (url) => {
    const proxy = proxyFor(url, env);
    if (proxy === undefined) return undefined;
    // Going directly instead would take a way that somebody has closed on purpose, or that leads past what they log.
    if ("unusable" in proxy)
      throw failure("PROXY_UNUSABLE", `${proxy.variable} must be the http or https URL of a proxy`);
    let agent = agents.get(url.protocol);
    if (agent === undefined) {
      // A proxy may drop an idle tunnel without a word, and the request that uses it next would be lost. So none is kept.
      const options = { timeout: tunnelMs, proxyEnv: { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url } };
      agent = url.protocol === "https:" ? new (https().Agent)(options) : new HttpAgent(options);
      agents.set(url.protocol, agent);
    }
    return { agent, proxy: proxy.host };
  };
}
