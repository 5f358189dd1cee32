import { createServer } from "node:net";
import { once } from "node:events";
import { cannotListen } from "../../core/listening.ts";
import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

/**
 * Tries whether the service could listen where it is to, and gives the address back at once.
 *
 * @returns the system's code, such as `EADDRINUSE`; undefined where it could
 */
export async function tryToListen(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
    server.close();
    await once(server, "close");
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unknown";
  }
}

/** @param code what {@link tryToListen} returned */
export function checkListening(host: string, port: number, code: string | undefined): Finding {
  if (code === undefined) return ok("listening", `the service can listen on ${host}:${port}`);
  const { message, hint } = cannotListen(host, port, { code, message: code });
  // The doctor may be called beside the service that it is asked about.
  if (code === "EADDRINUSE")
    return warn("listening", message, `if that is this service, all is well; otherwise ${hint}`);
  return fail("listening", message, hint);
}
