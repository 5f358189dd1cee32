import type * as Https from "node:https";

/**
 * Node's HTTPS, loaded when it is needed first. It brings TLS, which takes as long to load as all that a process needs before
 * it can answer its first request.
 */
export function https(): typeof Https {
  return process.getBuiltinModule("node:https");
}
