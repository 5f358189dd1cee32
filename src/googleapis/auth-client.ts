import { assertOptions, filledText, kindOf, required, seconds } from "../core/argument-checks.ts";
import type { Rule } from "../core/argument-checks.ts";
import { invalidRequest } from "../core/errors.ts";
import type { GrantRef } from "../core/grant.ts";
import type { OAuth2ClientClass } from "./library-client.ts";
import type { TokenVault } from "./vault-tokens.ts";
import { vaultClientOf } from "./vault-client.ts";

/** What {@link authClient} takes besides the vault and the grant. */
export interface AuthClientOptions<C extends OAuth2ClientClass> {
  /** The class of your own google-auth-library, or `google.auth.OAuth2` of `googleapis`. */
  readonly OAuth2Client: C;
  /** What its constructor is given, such as `{ quotaProjectId }` or `{ transporterOptions }`. Default: nothing. */
  readonly clientOptions?: object;
  /** How long a token must still live, seconds. One that lives for a shorter time is refreshed first. Default: 60. */
  readonly minTtlSeconds?: number;
}

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;
const rules: Readonly<Record<keyof AuthClientOptions<OAuth2ClientClass>, Rule>> = {
  OAuth2Client: required({ fits: isLibraryClass, must: "the class OAuth2Client of google-auth-library" }),
  clientOptions: { fits: isObject, must: "what the constructor of OAuth2Client takes" },
  minTtlSeconds: seconds,
};

/**
 * A client for Google's libraries whose tokens come from a vault: give it as `auth` to `googleapis`, `@googleapis/…` or
 * `@google-cloud/…`. It holds no refresh token. Each request asks the vault, which answers from memory; where the API
 * answers 401, the vault gets another token and the request is sent once more, unless its body is a stream.
 *
 * Where the person must consent again, requests fail with `reauthorization_required`, whose `message` is `invalid_grant`
 * and whose `response` is that of Google's token endpoint, as programs for these libraries expect. Every other error of
 * the vault comes as it is.
 *
 * @param vault the vault, a caller's view of one, or a remote one
 * @param ref the grant, by any of its names, or a grant itself
 * @returns an instance of a subclass of your `OAuth2Client`
 * @throws {OnbehalfError} `invalid_request`: an argument is not what it must be; `details.parameter` names it
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3.1
 */
export function authClient<C extends OAuth2ClientClass>(
  vault: TokenVault,
  ref: GrantRef,
  options: AuthClientOptions<C>,
): InstanceType<C> {
  if (typeof (vault as Partial<TokenVault> | undefined)?.getAccessToken !== "function") {
    throw invalidRequest(
      `the first argument must be a vault, and is ${kindOf(vault)}`,
      "give what openVault or openRemoteVault returned; both are asynchronous, so await them",
      "vault",
    );
  }
  if (!isObject(ref) && !filledText.fits(ref)) {
    throw invalidRequest(
      `a grant must be named by its id, a subject or an external id, and not by ${kindOf(ref)}`,
      "give a grant's id (g_…), { grantId }, { subject }, { externalId }, or a grant",
      "ref",
    );
  }
  if ((options as AuthClientOptions<C> | undefined) === undefined) {
    throw invalidRequest(
      "authClient makes a client of your own class, and was given none",
      'write: import { OAuth2Client } from "google-auth-library"; authClient(vault, grant, { OAuth2Client })',
      "OAuth2Client",
    );
  }
  assertOptions("authClient", options, rules);
  const VaultClient = vaultClientOf(options.OAuth2Client);
  const { clientOptions = {}, minTtlSeconds } = options;
  const asked = minTtlSeconds === undefined ? {} : { minTtlSeconds };
  // The instance is one of the caller's class, which TypeScript cannot see through a class made at run time.
  return new VaultClient(clientOptions, vault, idOf(ref), asked) as unknown as InstanceType<C>;
}

/** A grant is named by its id: what else it says may change while the client is in use. */
function idOf(ref: GrantRef): GrantRef {
  return typeof ref === "object" && "grantId" in ref ? { grantId: ref.grantId } : ref;
}

/** Whether this is the library's class or one made of it: those have what our subclass replaces. */
function isLibraryClass(value: unknown): boolean {
  if (typeof value !== "function") return false;
  const { prototype } = value as { readonly prototype?: unknown };
  return (
    isObject(prototype) && "getRequestMetadataAsync" in (prototype as object) && "request" in (prototype as object)
  );
}
