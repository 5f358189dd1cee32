import { ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/;

/** Checks that the public URL fits the address that the service listens on. */
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
      ? ok("address", `http://${host}:${port}; only this machine can reach it`)
      : warn(
          "address",
          `other machines can reach ${host}, and no public URL is set`,
          "set ONBEHALF_PUBLIC_URL: without it, requests that name the service by a name are refused",
        );
  }
  if (loopback.test(new URL(publicUrl).hostname) && !loopback.test(host)) {
    return warn(
      "address",
      `the public URL ${publicUrl} sends people to their own machine`,
      "set ONBEHALF_PUBLIC_URL to the URL by which they reach the service",
    );
  }
  return ok("address", `${publicUrl}, served from http://${host}:${port}`);
}

/** Says who can read the service's counters. */
export function checkMetrics({ metricsPort }: { readonly metricsPort: number | undefined }): Finding {
  const withKey = "with a caller key that has the permission metrics";
  if (metricsPort === undefined) return ok("metrics", `read ${withKey}; ONBEHALF_METRICS_PORT is not set`);
  const where = metricsPort === 0 ? "on a port that the start chooses" : `on http://127.0.0.1:${metricsPort}/metrics`;
  return ok("metrics", `${where}, for everybody on this machine, and ${withKey}`);
}
