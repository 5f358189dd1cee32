import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { CreateCallerOptions, CreateHandleOptions, Handle, Vault } from "../../src/index.ts";
import { service } from "../../src/service/index.ts";
import { testVault } from "./test-vault.ts";
import type { SharedStandin, TestVault } from "./test-vault.ts";

/** A caller as a client of OAuth. */
export interface OAuthClient {
  readonly name: string;
  readonly callerId: string;
  readonly key: string;
}

type Fields = Readonly<Record<string, string>>;

/** A service with a grant, a caller, and a handle of the one for the other. */
export interface TokenEndpoint {
  readonly fixture: TestVault;
  readonly vault: Vault;
  readonly grantId: string;
  readonly client: OAuthClient;
  readonly handle: Handle;
  /** The handle itself. */
  readonly secret: string;
  newClient(options?: Partial<CreateCallerOptions>): Promise<OAuthClient>;
  newHandle(options?: Partial<CreateHandleOptions>): Promise<{ readonly handle: Handle; readonly secret: string }>;
  /** Sends a form as it is, and nothing besides. */
  send(body: string | URLSearchParams, headers?: Fields, query?: string): Promise<Response>;
  /** Asks for a token by the handle, by HTTP Basic. Fields that are given take the place of the usual ones. */
  ask(fields?: Fields, as?: OAuthClient): Promise<Response>;
}

let clients = 0;

export const basicOf = ({ name, key }: Pick<OAuthClient, "name" | "key">): string =>
  `Basic ${Buffer.from(`${name}:${key}`).toString("base64")}`;

/** @param shared a stand-in that other tests use, too */
export async function tokenEndpointFor(t: TestContext, shared?: SharedStandin): Promise<TokenEndpoint> {
  const fixture = await testVault(t, shared === undefined ? {} : { shared });
  return endpointOver(fixture, await fixture.open());
}

export async function endpointOver(fixture: TestVault, vault: Vault): Promise<TokenEndpoint> {
  const serve = service(vault, { publicUrl: "https://vault.example" });
  const newClient: TokenEndpoint["newClient"] = async (options = {}) => {
    const { caller, key } = await vault.callers.create(`client-${(clients += 1)}`, { allow: ["token"], ...options });
    return { name: caller.name, callerId: caller.callerId, key: key.expose() };
  };
  const client = await newClient();
  const externalId = `user-${clients}`;
  const { grantId } = await vault.exchangeCode({ code: fixture.code(`${externalId}@example.com`), externalId });
  const newHandle: TokenEndpoint["newHandle"] = async (options = {}) => {
    const made = await vault.handles.create({ grantId }, { name: "reports", forCaller: client.name, ...options });
    return { handle: made.handle, secret: made.secret.expose() };
  };
  const { handle, secret } = await newHandle();
  const send: TokenEndpoint["send"] = (body, headers = {}, query = "") =>
    serve(
      new Request(`https://vault.example/oauth/token${query}`, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
        body,
      }),
    );
  return {
    fixture,
    vault,
    grantId,
    client,
    handle,
    secret,
    newClient,
    newHandle,
    send,
    ask: (fields = {}, as = client) =>
      send(new URLSearchParams({ grant_type: "refresh_token", refresh_token: secret, ...fields }), {
        authorization: basicOf(as),
      }),
  };
}

/** The members of a token's answer. */
export async function tokenIn(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("pragma"), "no-cache");
  return JSON.parse(text) as Record<string, unknown>;
}

/** Holds an answer to RFC 6749 section 5.2. @returns its `error_description` */
export async function oauthError(response: Response, error: string, status = 400): Promise<string> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
  assert.equal(response.headers.get("cache-control"), "no-store");
  const body = JSON.parse(text) as Record<string, string>;
  assert.deepEqual(Object.keys(body), ["error", "error_description"]);
  assert.equal(body["error"], error, text);
  assert.match(body["error_description"] ?? "", /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/, "the characters of RFC 6749");
  assert.equal(response.headers.has("www-authenticate"), status === 401);
  assert.equal(response.headers.has("retry-after"), status === 503);
  return body["error_description"] ?? "";
}
