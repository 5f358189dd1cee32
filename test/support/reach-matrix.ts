import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { google } from "../../src/index.ts";
import type { Caller, CreateSessionOptions, Grant, GrantState, Secret, Store } from "../../src/index.ts";
import { service } from "../../src/service/http/app.ts";
import { permissions } from "../../src/vault/http/callers.ts";
import { nameOf, pathOf, routes } from "../service/http/route-table.ts";
import type { Route } from "../service/http/route-table.ts";
import { sharedStandin, testVault } from "./test-vault.ts";

/** A grant of the matrix, and the app's user that it is known by. */
interface Made {
  readonly grant: Grant;
  readonly externalId: string;
  /** Whether another client of the provider stored it. */
  readonly isOther: boolean;
}

const states: readonly GrantState[] = ["active", "suspect", "lapsed", "revoking", "revoked"];

/** What a caller sees of an answer, but for the time and the number of a request. */
async function seen(response: Response): Promise<string> {
  const headers = [...response.headers]
    .filter(([name]) => name !== "date" && name !== "x-request-id")
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ status: response.status, headers, body: await response.text() });
}

/**
 * Every route with every kind of key against own, foreign and other clients' grants in every state: what is not the
 * caller's must be answered as what is not there, byte by byte, and nothing may have been asked or changed for it.
 *
 * @param storeFor a store for the test, and again the same place at each call with the same `t`
 */
export function reachMatrix(name: string, storeFor: (t: TestContext) => Promise<() => Store>): void {
  describe(`who sees what, ${name}`, () => {
    test(`no route of the table crosses from a caller's grants to others, ${name}`, async (t) => {
      const open = await storeFor(t);
      const shared = await sharedStandin();
      t.after(() => shared.standin.close());
      const fixture = await testVault(t, { shared });
      const { standin } = fixture;
      const other = standin.client({ loopback: true });
      const secondProvider = { ...fixture.provider, name: "second" };
      const store = open();
      const vault = await fixture.open({ store, providers: [fixture.provider, secondProvider] });
      const elsewhere = await fixture.open({
        store: open(),
        provider: google({
          clientId: other.clientId,
          clientSecret: other.clientSecret ?? assert.fail("the other client has no secret"),
          baseUrl: standin.url,
        }),
      });

      const made: Made[] = [];
      for (const state of states) {
        for (const [user, isOther] of [
          ["team-a:1", false],
          ["team-b:1", false],
          ["team-a:1", true],
          ["team-b:1", true],
        ] as const) {
          const externalId = `${user}:${state}`;
          const email = `${externalId.replaceAll(":", ".")}.${isOther}@example.com`;
          const code = standin.code({ email, ...(isOther ? { clientId: other.clientId } : {}) });
          const grant = await (isOther ? elsewhere : vault).exchangeCode({
            code,
            externalId,
            ...(isOther ? {} : { provider: fixture.provider.name }),
          });
          await bringTo(store, grant, state, fixture.clock.now());
          made.push({ grant, externalId, isOther });
        }
      }
      // What is being revoked, the keeper ends by itself, be it asked or not.
      const revoking = new Set(
        made.filter((each) => each.externalId.endsWith(":revoking")).map(({ grant }) => grant.grantId),
      );
      const before = await snapshot(store, revoking);
      fixture.newRequests();

      const ownIds = made.filter(({ externalId, isOther }) => externalId.startsWith("team-a:") && !isOther);
      const reaches: readonly (readonly [string, Pick<Caller, "grants" | "providers">, (each: Made) => boolean])[] = [
        ["every grant", { grants: ["*"] }, () => true],
        ["a prefix", { grants: ["ext:team-a:*"] }, ({ externalId }) => externalId.startsWith("team-a:")],
        ["one external id", { grants: ["ext:team-a:1:active"] }, ({ externalId }) => externalId === "team-a:1:active"],
        [
          "ids of grants",
          { grants: ownIds.map(({ grant }) => grant.grantId) },
          ({ grant }) => ownIds.some((own) => own.grant.grantId === grant.grantId),
        ],
        ["its provider", { grants: ["*"], providers: [fixture.provider.name] }, () => true],
        ["another provider", { grants: ["*"], providers: ["second"] }, () => false],
        ["a provider that is not configured", { grants: ["ext:team-a:*"], providers: ["none"] }, () => false],
        ["a prefix of nobody", { grants: ["ext:TEAM-A:*", "ext:team-a"] }, () => false],
      ];
      const handle = service(vault);
      let crossings = 0;
      let compared = 0;
      const { caller: everybody } = await vault.callers.create("everybody", { allow: permissions });
      const { caller: teamA } = await vault.callers.create("team-a", { allow: permissions, grants: ["ext:team-a:*"] });
      /** A caller's key, or that of a session: the same reach must be the same for both. */
      const keyFor = async (kind: string, name: string, reach: CreateSessionOptions): Promise<Secret> => {
        if (!kind.includes("session")) return (await vault.callers.create(name, reach)).key;
        // A session that names grants by their ids is made by who sees them by their external ids.
        const maker = kind.startsWith("ids of grants") ? teamA : everybody;
        const allow = reach.allow.filter((each) => each !== "sessions" && each !== "handles");
        return (await vault.sessions.create(maker, { ...reach, allow })).key;
      };
      const bySession = reaches.map(([kind, ...rest]) => [`${kind}, in a session`, ...rest] as const);
      for (const [kind, { grants, providers }, selects] of [...reaches, ...bySession]) {
        // What a key for one thing may not do is refused before anybody looks at the grant: one reach shows it.
        const ofKind = kind.includes("session")
          ? permissions.filter((each) => each !== "sessions" && each !== "handles")
          : permissions;
        const one = kind === "a prefix" ? ofKind.map((each) => [each]) : [];
        for (const allow of [ofKind, ...one]) {
          const key = await keyFor(kind, `c${(compared += 1)}`, {
            allow,
            grants,
            ...(providers === undefined ? {} : { providers }),
          });
          const ask = (route: Route, path: string): Promise<Response> => {
            const body = route.body === undefined ? {} : { body: JSON.stringify(route.body) };
            return handle(
              new Request(`http://127.0.0.1${path}`, {
                method: route.method,
                headers: { authorization: `Bearer ${key.expose()}`, "content-type": "application/json" },
                ...body,
              }),
            );
          };
          const nothing = new Map<string, string>();
          for (const route of routes.filter(({ path }) => path.startsWith("/v1/") && path.includes("{ref}"))) {
            const may = route.permission === undefined || allow.includes(route.permission);
            for (const each of made) {
              if (!each.isOther && selects(each)) continue;
              // Which state it is in matters to whoever may do everything; a key for one thing is refused before.
              if (allow.length === 1 && !each.externalId.endsWith(":active")) continue;
              // The same user id may mean a grant of the caller's own as well.
              const isShared = made.some((own) => !own.isOther && own.externalId === each.externalId && selects(own));
              for (const [ref, nobody] of [
                [each.grant.grantId, `g_${"A".repeat(each.grant.grantId.length - 2)}`],
                [`sub:${each.grant.subject}`, `sub:${"0".repeat(each.grant.subject.length)}`],
                ...(isShared
                  ? []
                  : ([[`ext:${each.externalId}`, `ext:${"z".repeat(each.externalId.length)}`]] as const)),
              ] as const) {
                const about = `${nameOf(route)} with ${kind} and ${allow.join(",")}: ${ref} is ${each.grant.state}`;
                const to = pathOf(route, encodeURIComponent(nobody));
                const absent = nothing.get(`${route.method} ${to}`) ?? (await seen(await ask(route, to)));
                nothing.set(`${route.method} ${to}`, absent);
                const answer = await seen(await ask(route, pathOf(route, encodeURIComponent(ref))));
                compared += 1;
                if (answer !== absent) crossings += 1;
                assert.equal(answer, absent, about);
                assert.equal((JSON.parse(answer) as { status: number }).status, may ? 404 : 403, about);
              }
            }
          }
          const list = routes.find(({ method, path }) => method === "GET" && path === "/v1/grants");
          if (list === undefined || !allow.includes("grants:read")) continue;
          const queries: readonly (readonly [string, (each: Made, now: GrantState) => boolean])[] = [
            ["", () => true],
            ["?limit=1", () => true],
            ...states.map((state) => [`?state=${state}`, (_: Made, now: GrantState) => now === state] as const),
            ...["team-a:1:active", "team-b:1:active"].map(
              (id) => [`?external_id=${id}`, (each: Made) => each.externalId === id] as const,
            ),
          ];
          for (const [query, fits] of queries) {
            const found = await listed((path) => ask(list, path), query);
            const wanted: string[] = [];
            for (const each of made.filter((some) => !some.isOther && selects(some))) {
              const row = await store.grantById(each.grant.grantId);
              if (row !== undefined && fits(each, row.state)) wanted.push(row.grantId);
            }
            assert.deepEqual(found.sort(), wanted.sort(), `${kind}: the list ${query}`);
          }
        }
      }
      assert.equal(crossings, 0);
      assert.ok(compared > 1_000, `${compared} were compared`);
      assert.equal(fixture.newRequests().length, 0, "nothing was asked of the provider");
      assert.deepEqual(await snapshot(store, revoking), before, "nothing was changed");
    });
  });
}

async function listed(ask: (path: string) => Promise<Response>, query: string): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | undefined, pages = 0; pages < 100; pages += 1) {
    const at = cursor === undefined ? "" : `${query === "" ? "?" : "&"}cursor=${cursor}`;
    const page = (await (await ask(`/v1/grants${query}${at}`)).json()) as {
      grants: { grant_id: string }[];
      cursor?: string;
    };
    ids.push(...page.grants.map(({ grant_id: id }) => id));
    // A page that another follows is full, and its cursor is a grant that the caller has just been shown.
    if (page.cursor !== undefined) assert.equal(page.cursor, page.grants.at(-1)?.grant_id);
    if (page.cursor === undefined) return ids;
    cursor = page.cursor;
  }
  throw new Error("the list has no end");
}

async function bringTo(store: Store, { grantId, generation }: Grant, state: GrantState, at: number): Promise<void> {
  if (state === "suspect") assert.ok(await store.markSuspect(grantId, at));
  if (state === "lapsed") assert.ok(await store.lapse(grantId, generation, "invalid_grant", "invalid_grant", at));
  if (state === "revoking" || state === "revoked") assert.ok(await store.beginRevocation(grantId, at));
  if (state === "revoked") assert.ok(await store.endRevocation(grantId, generation, at));
}

async function snapshot(store: Store, without: ReadonlySet<string>): Promise<unknown> {
  return (await store.listGrants({ limit: 500 })).filter(({ grantId }) => !without.has(grantId));
}
