import { BlockList, isIP } from "node:net";
import type { IsOwnHost } from "../../node/request-address.ts";

/** What makes a host one of ours. */
export interface OwnHosts {
  /** The URL by which people and phones reach the service. */
  readonly publicUrl?: string;
  /** Further names by which programs reach it, without port: such as `onbehalf.internal`. */
  readonly allowedHosts?: readonly string[];
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * Which hosts a request may name: those of this machine itself, the address that it came to, the public URL's, and those
 * that the operator names. Anybody can make a name of theirs point here. A page of that name would then be of the same
 * origin as the service in a browser's eyes (DNS rebinding), and a sign-in assertion would be signed in its name.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-7.4
 */
export function ownHosts({ publicUrl, allowedHosts = [] }: OwnHosts): IsOwnHost {
  const names = new Set(allowedHosts.map((host) => plain(new URL(`http://${host}`).hostname)));
  if (publicUrl !== undefined) names.add(plain(new URL(publicUrl).hostname));
  return (hostname, localAddress = "") => {
    const host = plain(hostname);
    if (names.has(host) || host === "localhost" || host.endsWith(".localhost")) return true;
    const family = isIP(host);
    // An address needs no DNS, so nobody can rebind it. It is ours where the connection came to it.
    return family !== 0 && (loopback.check(host, family === 4 ? "ipv4" : "ipv6") || host === ipv4In(localAddress));
  };
}

/** Without brackets, and without the dot at the end that names may have. */
function plain(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
}

/** An IPv4 address as it is where a socket for both families has it as an IPv6 address. */
function ipv4In(address: string): string {
  return address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
}
