import { lookup } from "node:dns";
import { BlockList, isIP } from "node:net";
import type { LookupFunction } from "node:net";
import { failure } from "./failures.ts";

/**
 * Networks that are no part of the public internet.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml
 */
const special = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const)
  special.addSubnet(network, bits, "ipv4");

/** What IPv6 has of the public internet, and what stands in it for something else: tunnels, documentation. */
const global6 = new BlockList();
global6.addSubnet("2000::", 3, "ipv6");
const special6 = new BlockList();
for (const [network, bits] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const)
  special6.addSubnet(network, bits, "ipv6");
const nat64 = new BlockList();
nat64.addSubnet("64:ff9b::", 96, "ipv6");

/**
 * Whether an address is one of the public internet: no loopback, private, link-local or multicast one, in whatever
 * notation. An IPv4 address inside an IPv6 one (RFC 6052, or mapped) counts as the one it stands for.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, "ipv4");
  if (family !== 6 || address.includes("%")) return false;
  const text = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const inside = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text);
  if (inside !== null) {
    const [high = 0, low = 0] = inside.slice(1).map((part) => Number.parseInt(part, 16));
    return isPublicAddress([high >> 8, high & 255, low >> 8, low & 255].join("."));
  }
  if (nat64.check(address, "ipv6")) return false;
  return global6.check(address, "ipv6") && !special6.check(address, "ipv6");
}

/**
 * Looks a name up for a connection that must stay on the public internet. The socket connects to the address that was
 * checked, so a name that means another one a moment later (DNS rebinding) leads nowhere else.
 *
 * @param resolve how names are looked up; the system's way
 */
export function publicLookup(resolve: typeof lookup = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const [first] = addresses;
      if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
        callback(failure("ADDRESS_NOT_PUBLIC", `${hostname} has an address that is not public`), []);
        return;
      }
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
