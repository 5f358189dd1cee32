import { ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/;

/** Whether the address that people are told fits the one that is listened on. */
export function checkAddress({
  host,
  port,
  publicUrl,
}: {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | undefined;
}): Finding {
  if (publicUrl === undefined) {
    return loopback.test(host)
      ? ok("address", `http://${host}:${port}, reached from this machine alone`)
      : warn(
          "address",
          `${host} is reached from other machines, and no public URL is set`,
          "set ONBEHALF_PUBLIC_URL: otherwise sign-in assertions name whatever host a request claims to be for",
        );
  }
  if (loopback.test(new URL(publicUrl).hostname) && !loopback.test(host)) {
    return warn(
      "address",
      `the public URL ${publicUrl} leads people to their own machine`,
      "set ONBEHALF_PUBLIC_URL to what they reach",
    );
  }
  return ok("address", `${publicUrl}, served from http://${host}:${port}`);
}
