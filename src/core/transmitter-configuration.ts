/**
 * Where a transmitter of security events describes itself; the second is the name that RISC had for it.
 *
 * @see https://openid.net/specs/openid-sharedsignals-framework-1_0.html#section-7.2
 */
export function configurationUrls(issuer: string): readonly [string, string] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/+$/, "");
  return [`${origin}/.well-known/ssf-configuration${path}`, `${origin}/.well-known/risc-configuration${path}`];
}
