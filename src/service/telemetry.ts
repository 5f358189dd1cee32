import type { Telemetry } from "../index.ts";

/** Where the API keeps what an SDK has registered, whichever copy of the API it used. */
const registry = Symbol.for("opentelemetry.js.api.1");

/**
 * The API of OpenTelemetry, where an SDK was registered before this program began, as with `NODE_OPTIONS=--import=…`. Where
 * none was, nothing is loaded.
 *
 * @returns `missing`: an SDK is there, and the API is not installed beside this package
 */
export async function registeredTelemetry(): Promise<Telemetry | "missing" | undefined> {
  const registered = (globalThis as { readonly [registry]?: { readonly trace?: unknown } })[registry];
  if (registered?.trace === undefined) return undefined;
  try {
    return await import("@opentelemetry/api");
  } catch {
    return "missing";
  }
}
