import { canUseProxies, isLoopback, proxyFor, proxyVariables } from "../../outbound/proxy-settings.ts";
import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

/**
 * Says which way requests to a provider go, where the environment names a proxy at all. Of a proxy only the host is
 * shown: its URL often holds a password.
 *
 * @param url an address of the provider
 * @param version Node's, such as `26.10.0`
 */
export function checkProxy(url: string, env: NodeJS.ProcessEnv, version: string): Finding[] {
  const target = new URL(url);
  const named = proxyVariables(env);
  const proxy = proxyFor(target, env);
  if (proxy !== undefined && "unusable" in proxy) {
    return [
      fail(
        "proxy",
        `${proxy.variable} does not name a proxy that can be used`,
        `set ${proxy.variable} to a URL such as http://proxy.example.com:3128; SOCKS proxies cannot be used`,
      ),
    ];
  }
  if (proxy !== undefined) {
    const way = `${proxy.variable} names ${proxy.host}`;
    return canUseProxies(version)
      ? [ok("proxy", `${way}: requests to ${target.host} go through it`)]
      : [
          warn(
            "proxy",
            `${way}, and Node ${version} cannot use it: requests to ${target.host} go directly`,
            "install Node 24.5 or newer, or open the way in the firewall",
          ),
        ];
  }
  const variable = `${target.protocol.slice(0, -1).toUpperCase()}_PROXY`;
  if (isLoopback(target.hostname)) {
    return named.length === 0 ? [] : [ok("proxy", `requests to ${target.host} go directly: it is this machine`)];
  }
  if (named.some(({ name }) => name.toUpperCase() === variable)) {
    return [ok("proxy", `requests to ${target.host} go directly: NO_PROXY names it`)];
  }
  const unread = [
    ...named.map(({ name }) => name),
    ...["all_proxy", "ALL_PROXY"].filter((name) => env[name] !== undefined && env[name] !== ""),
  ];
  return unread.length === 0
    ? []
    : [
        warn(
          "proxy",
          `${unread.join(" and ")} is not read for ${target.host}: requests to it go directly`,
          `set ${variable} if they must go through the proxy`,
        ),
      ];
}
