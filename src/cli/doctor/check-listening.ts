import { createServer } from "node:net";
import { once } from "node:events";
import { cannotListen } from "../../core/listening.ts";
import { readBody } from "../../vault/http/request-body.ts";
import { fail, ok, warn } from "../../service/doctor/finding.ts";
import type { Finding } from "../../service/doctor/finding.ts";

/** How long another program there may take to say what it is, milliseconds. */
const askedMs = 2_000;
const answerLimitBytes = 64 * 1024;

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

/** Whether it is a service of ours that listens there: it says so at its root, to anybody. */
export async function isOurs(host: string, port: number): Promise<boolean> {
  // What listens on every address is reached on this machine's own.
  const reached = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
  try {
    const response = await fetch(`http://${reached}:${port}/`, {
      headers: { accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(askedMs),
    });
    const { service } = JSON.parse(await readBody(response, answerLimitBytes)) as { service?: unknown };
    return service === "onbehalf";
  } catch {
    return false;
  }
}

/**
 * @param code what {@link tryToListen} returned
 * @param ours whether a service of ours listens there already
 */
export function checkListening(host: string, port: number, code: string | undefined, ours = false): Finding {
  if (ours) return ok("listening", `a service of Onbehalf listens on ${host}:${port} already`);
  if (code === undefined) return ok("listening", `the service can listen on ${host}:${port}`);
  const { message, hint } = cannotListen(host, port, { code, message: code });
  // The doctor may be called beside the service that it is asked about.
  if (code === "EADDRINUSE")
    return warn("listening", message, `if that is this service, all is well; otherwise ${hint}`);
  return fail("listening", message, hint);
}
