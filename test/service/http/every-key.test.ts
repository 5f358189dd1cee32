/**
 * Every operation of the OpenAPI document x every kind of key and session x what is the caller's own, what is another's, and
 * what is not there. What is not the caller's must be answered as what is not there, byte by byte; a key that does not work,
 * whatever it names. An operation or a parameter that this table does not know fails: decide what it means first.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { google } from "../../../src/index.ts";
import type { Grant, Permission, Secret, Vault } from "../../../src/index.ts";
import { service } from "../../../src/service/http/app.ts";
import { openApiDocument } from "../../../src/service/openapi/document.ts";
import { sqlite } from "../../../src/store/sqlite/index.ts";
import { permissions } from "../../../src/vault/http/callers.ts";
import { sharedStandin, testVault } from "../../support/test-vault.ts";
import { oauth, placed } from "./route-table.ts";

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly needsKey: boolean;
}

/** Of the document, so that a route which is added to it is tried at once; another test holds the document to the routes. */
const { paths } = openApiDocument("https://vault.test") as {
  paths: Record<string, Record<string, { readonly security?: unknown }>>;
};
const operations = Object.entries(paths).flatMap(([path, methods]): Operation[] =>
  Object.entries(methods)
    .filter(([method]) => method !== "parameters")
    .map(([method, { security }]) => ({ method: method.toUpperCase(), path, needsKey: security !== undefined })),
);

/** What a request can name: each kind of thing by what the path calls it, or by a member of the body. */
interface Target {
  readonly ref: string;
  readonly external_id: string;
  readonly session_id: string;
  readonly handle_id: string;
  readonly connect_id: string;
}

/** The bodies of operations that take one. Those that make something are about whom they make it for. */
const bodies: Readonly<Record<string, (target: Target) => object>> = {
  "POST /v1/grants": ({ external_id }) => ({ code: "4/0Anever-issued", external_id }),
  "POST /v1/grants/deposit": ({ external_id }) => ({ refresh_token: "1//0never-issued", external_id }),
  "POST /v1/grants/{ref}/handles": () => ({ name: "reports" }),
  "POST /v1/tickets": ({ external_id }) => ({ external_id }),
  "POST /v1/connect": ({ external_id }) => ({ external_id, return_url: "https://app.example/" }),
  "POST /v1/connect/{connect_id}/finish": () => ({ code_verifier: "x".repeat(43) }),
  "POST /v1/sessions": ({ external_id }) => ({ allow: ["token"], grants: [`ext:${external_id}`] }),
};
/** Operations that take none, though their method could. */
const withoutBody: ReadonlySet<string> = new Set(["POST /v1/grants/{ref}/probe"]);
/** What is for everybody, and about nobody: whoever asks gets the same. */
const keyless: ReadonlySet<string> = new Set(["POST /authcode", ...oauth]);
const known = new Set(["ref", "session_id", "handle_id", "connect_id", "host", "path", "document", "page"]);

function nameOf({ method, path }: Operation): string {
  return `${method} ${path}`;
}

function requestFor(operation: Operation, target: Target, authorization: string | undefined): Request {
  const path = operation.path
    .replace("{ref}", encodeURIComponent(target.ref))
    .replace("{session_id}", target.session_id)
    .replace("{handle_id}", target.handle_id)
    .replace("{connect_id}", target.connect_id)
    .replace("{host}/{path}", "www.googleapis.com/drive/v3/files/appfolder");
  const body = bodies[nameOf(operation)];
  return new Request(`http://127.0.0.1${placed(path)}`, {
    method: operation.method,
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body(target)) }),
  });
}

/** What a caller sees of an answer, but for the time of it and what it repeats of the request. */
async function seen(response: Response, { external_id: externalId }: Target): Promise<string> {
  const headers = [...response.headers]
    .filter(([name]) => name !== "date" && name !== "x-request-id")
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const body = (await response.text()).replaceAll(`ext:${externalId} `, "ext:… ");
  return JSON.stringify({ status: response.status, headers, body });
}

/** Whether an operation names something, so that it can be another's. */
function names(operation: Operation): boolean {
  return /\{(?:ref|session_id|handle_id|connect_id)\}/.test(operation.path) || nameOf(operation) in bodies;
}

test("the matrix knows each operation of the document, what its address names, and what its body is", () => {
  assert.ok(operations.length > 25, `${operations.length} operations`);
  for (const operation of operations) {
    const name = nameOf(operation);
    for (const [, parameter = ""] of operation.path.matchAll(/\{(\w+)\}/g)) {
      assert.ok(known.has(parameter), `${name}: say in this table what {${parameter}} names, and whose it can be`);
    }
    const hasBody = name in bodies || withoutBody.has(name) || keyless.has(name) || name.includes("/proxy/");
    assert.ok(operation.method !== "POST" || hasBody, `${name}: say in this table what its body names`);
  }
  for (const name of Object.keys(bodies)) {
    assert.ok(
      operations.some((each) => nameOf(each) === name),
      `${name} is not in the document any more`,
    );
  }
});

test(
  "no operation tells any key or session what another's is from what is not there",
  { timeout: 240_000 },
  async (t) => {
    const shared = await sharedStandin();
    t.after(() => shared.standin.close());
    const fixture = await testVault(t, { shared });
    const { standin, clock } = fixture;
    const second = { ...fixture.provider, name: "second" };
    const vault = await fixture.open({ store: sqlite(fixture.path), providers: [fixture.provider, second] });
    const client = standin.client({ loopback: true });
    const elsewhere = await fixture.open({
      provider: google({
        clientId: client.clientId,
        clientSecret: client.clientSecret ?? assert.fail("the other client has no secret"),
        baseUrl: standin.url,
      }),
    });
    const handle = service(vault, { publicUrl: "https://vault.test", returnUrls: ["https://app.example/"] });
    const { caller: all, key: allKey } = await vault.callers.create("all", { allow: permissions });

    const askAll = async (method: string, path: string, body?: object): Promise<Response> =>
      handle(
        new Request(`http://127.0.0.1${path}`, {
          method,
          headers: { authorization: `Bearer ${allKey.expose()}`, "content-type": "application/json" },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      );
    const grantFor = (externalId: string, provider = fixture.provider.name): Promise<Grant> =>
      vault.exchangeCode({
        code: fixture.code(`${externalId.replaceAll(":", ".")}@example.com`),
        externalId,
        provider,
      });
    const own = await grantFor("team-a:1");
    const foreign = await grantFor("team-b:1");
    const others = await elsewhere.exchangeCode({
      code: standin.code({ email: "other-client@example.com", clientId: client.clientId }),
      externalId: "team-b:2",
    });

    /** Everything that a foreign user's grant comes with, made by a caller that sees it all. */
    const belonging = async (grant: Grant, externalId: string): Promise<Target> => {
      const view = vault.forCaller(all);
      const { session } = await view.sessions.create({ allow: ["token"], grants: [`ext:${externalId}`] });
      const made = await view.handles.create(grant.grantId, { name: `h${externalId.replaceAll(":", "")}` });
      const asked = { external_id: externalId, return_url: "https://app.example/", provider: fixture.provider.name };
      const link = (await (await askAll("POST", "/v1/connect", asked)).json()) as { readonly connect_id: string };
      return {
        ref: grant.grantId,
        external_id: externalId,
        session_id: session.sessionId,
        handle_id: made.handle.handleId,
        connect_id: link.connect_id,
      };
    };
    const nobody: Target = {
      ref: `g_${"A".repeat(foreign.grantId.length - 2)}`,
      external_id: "team-z:9",
      session_id: "0".repeat(16),
      handle_id: "0".repeat(16),
      connect_id: `c_${"x".repeat(43)}`,
    };
    const theirs = await belonging(foreign, "team-b:1");
    const others2: Target = { ...nobody, ref: others.grantId, external_id: "team-b:2" };
    const foreignTargets: readonly (readonly [string, Target, Target])[] = [
      ["its id", theirs, nobody],
      ["its subject", { ...theirs, ref: `sub:${foreign.subject}` }, { ...nobody, ref: `sub:${"0".repeat(21)}` }],
      ["its external id", { ...theirs, ref: "ext:team-b:1" }, { ...nobody, ref: "ext:team-z:9" }],
      [
        "its external id in look-alike letters",
        { ...theirs, ref: "ext:te\u0430m-a:1" },
        { ...nobody, ref: "ext:team-z:9" },
      ],
      ["another client's id", others2, nobody],
      ["another client's external id", { ...others2, ref: "ext:team-b:2" }, { ...nobody, ref: "ext:team-z:9" }],
    ];

    /** A kind of key, and whether it works. */
    const kinds: [string, string | undefined, boolean][] = [];
    const works = (name: string, key: Secret): number => kinds.push([name, `Bearer ${key.expose()}`, true]);
    const dead = (name: string, key: Secret | string): number =>
      kinds.push([name, `Bearer ${typeof key === "string" ? key : key.expose()}`, false]);
    await makeKeys(vault, own, works, dead);
    kinds.push(["no key", undefined, false], ["another scheme", "Basic YTpi", false]);
    clock.advance(120_000);

    let compared = 0;
    let found = 0;
    fixture.newRequests();
    const before = await vault.grants({ limit: 500 });
    const counted = (await vault.sessions.list()).sessions.length;
    for (const [kind, authorization, isWorking] of kinds) {
      for (const operation of operations) {
        const name = nameOf(operation);
        if (keyless.has(name)) continue;
        // Whoever sees every grant of a provider may make some for every user.
        if (kind.includes("every grant") && name in bodies) continue;
        const ask = async (target: Target): Promise<string> =>
          seen(await handle(requestFor(operation, target, authorization)), target);
        for (const [what, target, absent] of foreignTargets) {
          if (!names(operation) && what !== "its id") continue;
          const [there, nowhere] = [await ask(target), await ask(absent)];
          compared += 1;
          assert.equal(there, nowhere, `${name} with ${kind}: ${what}`);
          const { status } = JSON.parse(there) as { status: number };
          if (operation.needsKey && !isWorking) {
            const refused = name === "GET /metrics" ? 404 : 401;
            assert.equal(status, refused, `${name} with ${kind}`);
          }
          if (isWorking && operation.needsKey && names(operation)) {
            assert.ok(status >= 400, `${name} with ${kind}: ${what} gives ${status}`);
          }
        }
        // That the same request about the caller's own is answered shows that the comparison can see anything.
        const isRead = operation.method === "GET" && operation.path.startsWith("/v1/grants/{ref}");
        if (isWorking && isRead) {
          const answer = await handle(requestFor(operation, { ...nobody, ref: "ext:team-a:1" }, authorization));
          if (answer.status === 200) found += 1;
          await answer.body?.cancel();
        }
      }
    }
    assert.ok(compared > 5_000, `${compared} were compared`);
    assert.ok(found > 50, `${found} were found`);
    assert.deepEqual(await vault.grants({ limit: 500 }), before, "nothing was changed");
    assert.equal((await vault.sessions.list()).sessions.length, counted, "nothing was made");
    assert.deepEqual(fixture.newRequests("/revoke"), [], "nothing was revoked");
    // What works, works: the foreign things are there for whoever sees them.
    for (const path of [`/v1/grants/${theirs.ref}/handles`, `/v1/connect/${theirs.connect_id}`]) {
      assert.equal((await askAll("GET", path)).status, 200, path);
    }
  },
);

/** Every kind of key: those that work see the grant of `team-a:1` at most; those that do not will have ended in two minutes. */
async function makeKeys(
  vault: Vault,
  own: Grant,
  works: (name: string, key: Secret) => unknown,
  dead: (name: string, key: Secret | string) => unknown,
): Promise<void> {
  const { callers, sessions, clock } = vault;
  const ofSessions: readonly Permission[] = permissions.filter((each) => each !== "sessions" && each !== "handles");
  const soon = new Date(clock.now() + 60_000);
  const reaches: readonly (readonly [string, { readonly grants: readonly string[]; readonly providers?: string[] }])[] =
    [
      ["a prefix", { grants: ["ext:team-a:*"] }],
      ["an external id", { grants: ["ext:team-a:1"] }],
      ["a grant's id", { grants: [own.grantId] }],
      ["a prefix at its provider", { grants: ["ext:team-a:*"], providers: [own.provider] }],
      ["every grant of another provider", { grants: ["*"], providers: ["second"] }],
      ["nobody's prefix", { grants: ["ext:TEAM-A:*"] }],
    ];
  let made = 0;
  for (const [what, reach] of reaches) {
    const one = what === "a prefix" ? permissions.map((each): [string, Permission[]] => [each, [each]]) : [];
    for (const [name, allow] of [["everything", [...permissions]] as const, ...one]) {
      const maker = await callers.create(`c${(made += 1)}`, { allow, ...reach });
      works(`a caller's key for ${name} with ${what}`, maker.key);
      const less = allow.filter((each) => ofSessions.includes(each));
      if (less.length === 0) continue;
      const wide = { allow: less, ...reach };
      works(`a session of everybody for ${name} with ${what}`, (await sessions.create("all", wide)).key);
      works(`a session within a caller for ${name} with ${what}`, (await sessions.create(maker.caller, wide)).key);
    }
  }
  const prefix = await callers.create("prefix", { allow: permissions, grants: ["ext:team-a:*"] });
  const byId = { allow: ofSessions, grants: [own.grantId] };
  works("a session that names a grant its maker sees by a prefix", (await sessions.create(prefix.caller, byId)).key);

  const everything = { allow: permissions, grants: ["ext:team-a:*"] };
  dead("a damaged key", "obk_123");
  dead("a damaged key of a session", `obs_${"0".repeat(16)}_${"0".repeat(64)}_00000000`);
  dead("an expired key", (await callers.create("expired", { ...everything, expiresAt: soon })).key);
  const revoked = await callers.create("revoked", everything);
  const usual = { allow: ofSessions, grants: ["ext:team-a:*"] };
  dead("a revoked key", revoked.key);
  dead("a session of a revoked maker", (await sessions.create(revoked.caller, usual)).key);
  await callers.revoke("revoked");
  dead("a session that is over", (await sessions.create("all", { ...usual, expiresInSeconds: 60 })).key);
  const ended = await sessions.create("all", usual);
  dead("a session that was ended", ended.key);
  await sessions.revoke(ended.session.sessionId);
  const short = await callers.create("short", { ...everything, expiresAt: soon });
  dead("a session of a maker that is over", (await sessions.create(short.caller, usual)).key);
}
