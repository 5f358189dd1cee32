import { BlockList, isIP } from "node:net";

/** A proxy that the environment names for a URL. */
export interface EnvironmentProxy {
  /** The variable that names it. */
  readonly variable: string;
  /** With its credentials, if it has any: never to be shown. */
  readonly url: string;
  /** Host and port, which may be shown. */
  readonly host: string;
}

/** A variable that names a proxy. The lower case counts where both are set, as with curl. */
export function proxyVariables(env: NodeJS.ProcessEnv): readonly { readonly name: string; readonly value: string }[] {
  return ["HTTPS_PROXY", "HTTP_PROXY"].flatMap((upper) => {
    const name = [upper.toLowerCase(), upper].find((each) => (env[each]?.trim() ?? "") !== "");
    return name === undefined ? [] : [{ name, value: env[name]?.trim() ?? "" }];
  });
}

/** A proxy's URL, which many people write without its scheme; undefined where it is none that can be used. */
function proxyUrl(value: string): URL | undefined {
  // Quotes that nobody took away would become part of a host's name.
  if (/^'|["`<>{}\s\\]/.test(value)) return undefined;
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) ? url : undefined;
}

/**
 * The proxy that a request to this URL is to go through.
 *
 * @returns undefined where none is named for the URL's scheme, `NO_PROXY` names the host, or the host is this machine;
 *   `unusable`, with the variable, where it names no proxy that we could speak to
 */
export function proxyFor(
  url: URL,
  env: NodeJS.ProcessEnv,
): EnvironmentProxy | { readonly variable: string; readonly unusable: true } | undefined {
  const wanted = url.protocol === "https:" ? "https_proxy" : "http_proxy";
  const found = proxyVariables(env).find(({ name }) => name.toLowerCase() === wanted);
  if (found === undefined || isLoopback(url.hostname) || isExempt(url, env)) return undefined;
  const proxy = proxyUrl(found.value);
  return proxy === undefined
    ? { variable: found.name, unusable: true }
    : { variable: found.name, url: proxy.href, host: proxy.host };
}

/** Whether this Node can send a request through a proxy. Older ones ignore the option. */
export function canUseProxies(version: string = process.versions.node): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 24 || (major === 24 && minor >= 5);
}

/** Whether a host is this machine: no proxy could reach it, and it must not learn what is sent there. */
export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])\.?$/.test(hostname);
}

/**
 * Whether `NO_PROXY` names a URL's host: `*`, a domain with everything below it (`example.com`, `.example.com` and
 * `*.example.com` mean the same), an address, or a network (`10.0.0.0/8`); each may end in a port.
 */
function isExempt({ hostname, protocol, port }: URL, env: NodeJS.ProcessEnv): boolean {
  const entries = (env["no_proxy"] ?? env["NO_PROXY"] ?? "").toLowerCase().split(/[\s,]+/);
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const actualPort = port === "" ? (protocol === "https:" ? "443" : "80") : port;
  return entries.some((entry) => {
    if (entry === "*") return true;
    const [, named = "", itsPort] = /^(\[[^\]]*\]|[^:]+|.*:.*:.*?)(?::(\d+))?$/.exec(entry) ?? [];
    if (itsPort !== undefined && itsPort !== actualPort) return false;
    const name = named.replaceAll(/[[\]]/g, "");
    if (name.includes("/")) return isWithin(host, name);
    // An IPv6 address has many spellings, and a URL has but one.
    if (isIP(name) !== 0) return isWithin(host, `${name}/${isIP(name) === 6 ? 128 : 32}`);
    const domain = domainOf(name);
    return domain !== "" && (host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`)));
  });
}

/** A domain as a URL spells it, without the star or dot that stands for everything below it. */
function domainOf(name: string): string {
  const domain = name.replace(/^\*?\./, "").replace(/\.$/, "");
  if (/^[\x20-\x7e]*$/.test(domain) || !URL.canParse(`http://${domain}/`)) return domain;
  return new URL(`http://${domain}/`).hostname;
}

function isWithin(host: string, network: string): boolean {
  const [address = "", prefix = ""] = network.split("/");
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  const bits = Number(prefix);
  if (
    isIP(host) === 0 ||
    isIP(host) !== isIP(address) ||
    !/^\d+$/.test(prefix) ||
    bits > (family === "ipv6" ? 128 : 32)
  )
    return false;
  const list = new BlockList();
  list.addSubnet(address, bits, family);
  return list.check(host, family);
}
