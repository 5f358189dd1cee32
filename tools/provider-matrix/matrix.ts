/** The matrix: each provider, each way that its client authenticates, and answers that lack members. */
import assert from "node:assert/strict";
import { fixedClock, generateMasterKey, isOnbehalfError, keyringFromKeys, openVault } from "../../src/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { pkcePair, redirectUri } from "./harness.ts";
import type { Case, Harness, Member, RunningProvider } from "./harness.ts";
import { mockServer } from "./mock-server.ts";
import { oidcProvider, oidcProviderWithoutPkce } from "./oidc-provider.ts";
import { signIn } from "./sign-in.ts";
import { googleStandin, mcpStandin, oauth2Standin } from "./standins.ts";

const harnesses: readonly Harness[] = [
  googleStandin,
  oauth2Standin,
  mcpStandin,
  oidcProvider,
  oidcProviderWithoutPkce,
  mockServer,
];

/** The columns: what answers lack. */
export const columns: readonly (readonly [title: string, without: readonly Member[]])[] = [
  ["all members", []],
  ["no `id_token`", ["id_token"]],
  ["no `expires_in`", ["expires_in"]],
  ["no `refresh_token`", ["refresh_token"]],
  ["no `scope`", ["scope"]],
  ["none of the four", ["id_token", "expires_in", "refresh_token", "scope"]],
];

/** One cell. */
export interface Cell {
  readonly provider: string;
  readonly authentication: string;
  readonly column: string;
  /** Does all that the cell says, and gives what stands in it. Throws where something is otherwise. */
  run(): Promise<string>;
}

/** Every cell, row by row. */
export function cells(): Cell[] {
  return harnesses.flatMap((harness) =>
    harness.authentications.flatMap((authentication) =>
      columns.map(([column, lacks]) => {
        const wanted = { authentication, without: new Set<Member>(lacks) };
        // Where there is no ID token anyhow, the other columns are asked about answers without one.
        if (harness.impossible?.(wanted) === "no ID tokens" && lacks.length > 0) wanted.without.add("id_token");
        return { provider: harness.name, authentication, column, run: () => runCell(harness, wanted) };
      }),
    ),
  );
}

async function runCell(harness: Harness, wanted: Case): Promise<string> {
  const reason = harness.impossible?.(wanted);
  if (reason !== undefined && reason !== "refused") return reason;
  const clock = fixedClock(new Date());
  const provider = await harness.start(wanted, clock);
  try {
    return await walk(provider, wanted.without, clock, reason === "refused");
  } finally {
    await provider.stop();
  }
}

const hourAndMoreMs = 3_700_000;

/** Signs in, uses the grant for two hours, and revokes it. */
async function walk(
  provider: RunningProvider,
  without: ReadonlySet<Member>,
  clock: ReturnType<typeof fixedClock>,
  isRefused: boolean,
): Promise<string> {
  const { record, scopes, granted = scopes, subject } = provider;
  const sent: string[] = [];
  await using vault = await openVault({
    provider: record,
    store: sqlite(":memory:"),
    keyring: keyringFromKeys(generateMasterKey()),
    clock,
    fetch: bending(provider, sent),
  });
  const exchange = await authorize(provider);
  if (isRefused) {
    const error = await vault.exchangeCode(exchange).catch((thrown: unknown) => thrown);
    assert.ok(isOnbehalfError(error, "id_token_invalid"), String(error));
    return "refused";
  }
  const grant = await vault.exchangeCode(exchange);
  const offline = !without.has("refresh_token");
  assert.equal(grant.subject, subject);
  assert.equal(grant.offline, offline);
  assert.deepEqual(grant.scopes.toSorted(), (without.has("scope") ? scopes : granted).toSorted());
  assert.equal(grant.accessTokenEndKnown, !without.has("expires_in"));
  assert.equal(grant.reauthorizeBefore, undefined);

  const tokens = [(await vault.getAccessToken(grant)).token];
  for (const _hour of offline ? [1, 2] : []) {
    clock.advance(hourAndMoreMs);
    tokens.push((await vault.getAccessToken(grant)).token);
    assert.equal((await vault.grant(grant)).state, "active");
  }
  assert.equal(new Set(tokens).size, offline ? 3 : 1, "each hour has a token of its own");
  assert.equal(sent.length, offline ? 2 : 0);
  const rotates = record.rotation !== "none";
  assert.equal(new Set(sent).size, !offline ? 0 : rotates ? 2 : 1, "where refresh tokens rotate, each is sent once");
  if (!offline) {
    clock.advance(hourAndMoreMs);
    const later = await vault.getAccessToken(grant).catch((thrown: unknown) => thrown);
    // Where nobody says when it ends, it is handed out until an API refuses it.
    if (without.has("expires_in")) assert.equal((later as { readonly token: string }).token, tokens[0]);
    else assert.ok(isOnbehalfError(later, "reauthorization_required"), String(later));
  }
  await vault.revoke(grant);
  const { state, reason } = await vault.grant(grant);
  assert.deepEqual([state, reason], ["revoked", "revoked"]);
  return offline ? "C R V" : "C V";
}

/** A real authorization request, from which a code comes back. */
async function authorize({ record, authorizationEndpoint, scopes, parameters, pkce }: RunningProvider): Promise<{
  readonly code: string;
  readonly redirectUri: string;
  readonly codeVerifier?: string;
  readonly nonce?: string;
  readonly scopes: readonly string[];
}> {
  const { client } = record;
  assert.ok(typeof client === "object" && "clientId" in client);
  const { verifier, challenge } = pkcePair();
  const nonce = (record.identity ?? "id_token") === "id_token" ? { nonce: "n-0S6_WzA2Mj" } : {};
  const request = new URL(authorizationEndpoint);
  const state = "af0ifjsldkj";
  const query = {
    response_type: "code",
    client_id: client.clientId,
    redirect_uri: redirectUri,
    scope: scopes.join(" "),
    state,
    ...nonce,
    ...(pkce ? { code_challenge: challenge, code_challenge_method: "S256" } : {}),
    ...parameters,
  };
  for (const [name, value] of Object.entries(query)) request.searchParams.set(name, value);
  const answer = await signIn(request, redirectUri);
  assert.equal(answer.get("state"), state);
  const code = answer.get("code");
  assert.ok(code !== null, answer.toString());
  return { code, redirectUri, scopes, ...nonce, ...(pkce ? { codeVerifier: verifier } : {}) };
}

/** Sends requests, notes the refresh tokens among them, and takes members out of answers with tokens. */
function bending({ takenOut }: RunningProvider, sent: string[]): typeof fetch {
  return async (input, init) => {
    const form = new URLSearchParams(
      typeof init?.body === "string" || init?.body instanceof URLSearchParams ? init.body : "",
    );
    const isExchange = form.has("grant_type");
    if (form.get("grant_type") === "refresh_token") sent.push(form.get("refresh_token") ?? "");
    const response = await fetch(input, init);
    if (!isExchange || !response.ok || takenOut.size === 0) return response;
    const body = (await response.json()) as Record<string, unknown>;
    for (const member of takenOut) delete body[member];
    return Response.json(body, { headers: { date: response.headers.get("date") ?? "" } });
  };
}
