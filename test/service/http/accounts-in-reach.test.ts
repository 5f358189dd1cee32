import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { Secret, fixedClock } from "../../../src/index.ts";
import type { Grant } from "../../../src/index.ts";
import { assertProblem } from "../../support/problem.ts";
import { testService } from "../../support/test-service.ts";
import { sharedStandin } from "../../support/test-vault.ts";

type Body = Record<string, unknown>;
const allow = ["grants:read", "grants:create", "grants:revoke", "token"] as const;

/** A user with two accounts at one provider and one at another client of it, one of them shared with somebody else. */
async function accounts(t: TestContext) {
  const shared = await sharedStandin({ clock: fixedClock("2026-11-22T00:00:00Z") });
  t.after(() => shared.standin.close());
  const { standin } = shared;
  const other = standin.client({ loopback: true });
  const { google } = await import("../../../src/index.ts");
  const { clientId, clientSecret, url } = standin;
  const provider = google({ clientId, clientSecret, baseUrl: url });
  const client = { clientId: other.clientId, clientSecret: new Secret(other.clientSecret ?? "") };
  const here = await testService(t, {
    shared,
    vault: { providers: [provider, { ...provider, name: "staging", client }] },
  });
  const { vault } = here;
  const connect = (name: string, email: string, externalId: string, account?: string): Promise<Grant> => {
    const code = standin.code({ email, ...(name === "google" ? {} : { clientId: other.clientId }) });
    return vault.exchangeCode({ provider: name, code, externalId, ...(account === undefined ? {} : { account }) });
  };
  const work = await connect("google", "ada@example.com", "a:1", "work");
  const home = await connect("google", "carl@example.com", "a:1", "home");
  const elsewhere = await connect("staging", "ada@example.com", "b:2", "ada@secret.example");
  await connect("google", "ada@example.com", "b:2", "b's own word");
  const caller = async (grants: readonly string[], providers?: readonly string[]) => {
    const name = `caller-${grants.join()}-${(providers ?? []).join()}`.replaceAll(/[^a-z\d]+/gi, "-").slice(0, 60);
    const { key } = await vault.callers.create(name, {
      allow,
      grants,
      ...(providers === undefined ? {} : { providers }),
    });
    const authorization = `Bearer ${key.expose()}`;
    return (path: string, method = "GET", query = ""): Promise<Response> =>
      here.ask(`/v1/grants${path === "" ? "" : `/${path}`}${query}`, { method, headers: { authorization } });
  };
  return { here, work, home, elsewhere, caller };
}

describe("several accounts of one user, as callers see them", () => {
  test("a selector of a user covers every account of that user, and an ambiguous reference names them", async (t) => {
    const { caller, work, home } = await accounts(t);
    for (const grants of [["ext:a:1"], ["ext:a:*"], ["*"]]) {
      const ask = await caller(grants);
      const body = await assertProblem(await ask("ext:a:1/token"), "ambiguous_grant");
      const named = (body["accounts"] as Body[]).map(({ account, grant_id: id }) => [account, id]);
      assert.deepEqual(
        new Map(named as [string, string][]),
        new Map([
          ["work", work.grantId],
          ["home", home.grantId],
        ]),
      );
      for (const { account, grantId } of [work, home]) {
        const shown = (await (await ask(`ext:a:1?account=${account ?? ""}`)).json()) as Body;
        assert.equal(shown["grant_id"], grantId);
        assert.equal((await ask(`ext:a:1/token?account=${account ?? ""}`)).status, 200);
      }
    }
  });

  test("where a caller sees one of a user's accounts alone, that one is meant without a label", async (t) => {
    const { caller, home } = await accounts(t);
    const ask = await caller([home.grantId]);
    for (const path of ["ext:a:1", "ext:a:1?account=home"]) {
      const shown = (await (await ask(path)).json()) as Body;
      assert.deepEqual([shown["grant_id"], shown["account"]], [home.grantId, "home"]);
    }
    assert.equal((await ask("ext:a:1/token")).status, 200);
    await assertProblem(await ask("ext:a:1?account=work"), "grant_not_found");
  });

  test("a caller learns no label that another user of the app has for an account that it sees", async (t) => {
    const { caller, here, work, elsewhere } = await accounts(t);
    const { subject } = work;
    // To whoever sees everything, the person's two grants go by the first label of each.
    const all = await assertProblem(await here.ask(`/v1/grants/sub:${subject}`), "ambiguous_grant");
    const named = (all["accounts"] as Body[]).map(({ account, provider }) => [provider, account]);
    assert.deepEqual(
      new Map(named as [string, string][]),
      new Map([
        ["google", "work"],
        ["staging", "ada@secret.example"],
      ]),
    );
    const ask = await caller(["ext:a:*", elsewhere.grantId], ["google"]);
    for (const path of [`sub:${subject}`, `sub:${subject}?account=work`, "ext:a:1?account=work", work.grantId]) {
      const text = await (await ask(path)).text();
      assert.ok(text.includes('"external_ids":[{"external_id":"a:1","account":"work"}]'), text);
      assert.ok(!text.includes("secret") && !text.includes("own word"), text);
    }
    for (const label of ["b's own word", "ada@secret.example"]) {
      const path = `sub:${subject}?account=${encodeURIComponent(label)}`;
      await assertProblem(await ask(path), "grant_not_found");
      const list = (await (
        await ask("", "GET", `?provider=google&account=${encodeURIComponent(label)}`)
      ).json()) as Body;
      assert.deepEqual(list, { grants: [] });
    }
    await assertProblem(await ask("ext:b:2?account=b's own word"), "grant_not_found");
  });

  test("an account that two users share ends for both, whoever of them is named, and the answer says for whom", async (t) => {
    const { caller, here, home } = await accounts(t);
    const ended = (await (await here.ask("/v1/grants/ext:b:2?provider=google", { method: "DELETE" })).json()) as Body;
    assert.deepEqual(ended["external_ids"], [
      { external_id: "a:1", account: "work" },
      { external_id: "b:2", account: "b's own word" },
    ]);
    assert.deepEqual([ended["external_id"], ended["state"]], ["b:2", "revoked"]);
    const ask = await caller(["ext:a:1"]);
    await assertProblem(await ask("ext:a:1/token?account=work"), "reauthorization_required");
    assert.equal(((await (await ask("ext:a:1")).json()) as Body)["grant_id"], home.grantId, "the account that is left");
  });
});
