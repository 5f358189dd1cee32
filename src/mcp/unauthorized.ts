import { isOnbehalfError } from "../core/errors.ts";
import type { AnyOnbehalfError } from "../core/errors.ts";

/**
 * By what the SDK's own classes know an error of theirs that another copy of the SDK has made. It lets `instanceof
 * UnauthorizedError` hold without the SDK being loaded here.
 */
const brands = Symbol.for("mcp.sdk.errorBrands");

/**
 * What an MCP transport throws where the person must consent, or consent again. `error instanceof UnauthorizedError` holds for
 * it with the class of `@modelcontextprotocol/client`; `cause` is the vault's error, which says why.
 */
export class McpUnauthorizedError extends Error {
  override readonly name = "UnauthorizedError";
  override readonly cause: AnyOnbehalfError;

  constructor(cause: AnyOnbehalfError) {
    super(`Unauthorized: ${cause.message}`);
    this.cause = cause;
    Object.defineProperty(this, brands, { value: new Set(["mcp.UnauthorizedError"]), configurable: true });
  }
}

/** Whether only the person can help: there is no grant, or it has ended. */
export function needsConsent(error: unknown): error is AnyOnbehalfError {
  return isOnbehalfError(error, "reauthorization_required") || isOnbehalfError(error, "grant_not_found");
}

/** The same error, or what the SDK understands where the person must come back. */
export function forSdk(error: unknown): unknown {
  return needsConsent(error) ? new McpUnauthorizedError(error) : error;
}
