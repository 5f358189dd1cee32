import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { OnbehalfError } from "../../../src/index.ts";
import { serviceConfig, settingsFrom, startServer } from "../../../src/service/index.ts";
import { assertProblem } from "../../support/problem.ts";
import { testService } from "../../support/test-service.ts";

describe("while the store is away", () => {
  test("while the store is away: the service lives and is not ready; valid tokens are served to whoever has them; the rest is told to come back", async (t) => {
    const { ask, url, grant, fixture, store, faults } = await testService(t);
    const [held, other] = [await grant(), await grant()];
    const token = await (await ask(`/v1/grants/${held.grantId}/token`)).text();
    assert.equal((await fetch(`${url}/readyz`)).status, 200);

    await store.close();
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    await assertProblem(await fetch(`${url}/readyz`), "store_unavailable");
    fixture.clock.advance(2_000); // the key was looked up long enough ago to be looked up again
    const served = await ask(`/v1/grants/${held.grantId}/token`);
    assert.equal(served.status, 200);
    assert.equal(
      (JSON.parse(await served.text()) as { access_token: string }).access_token,
      (JSON.parse(token) as { access_token: string }).access_token,
    );
    const folder = (grantId: string): Promise<Response> =>
      ask(`/v1/grants/${grantId}/proxy/www.googleapis.com/drive/v3/files/appfolder`);
    // Each call is a use of its own, and none is made that nobody would know of.
    await assertProblem(await folder(held.grantId), "store_unavailable");
    await assertProblem(await folder(other.grantId), "store_unavailable");
    await assertProblem(await ask(`/v1/grants/${other.grantId}/token`), "store_unavailable");
    await assertProblem(await ask(`/v1/grants/${held.grantId}`), "store_unavailable");
    await assertProblem(await ask("/v1/grants"), "store_unavailable");
    const body = new URLSearchParams({ authCode: fixture.code("late@example.com") });
    const headers = { "x-requested-with": "x" };
    await assertProblem(await fetch(`${url}/authcode`, { method: "POST", headers, body }), "store_unavailable");
    assert.equal((await ask("/metrics")).status, 200);
    assert.deepEqual(faults, []);

    await store.open({ clock: fixture.clock });
    assert.equal((await fetch(`${url}/readyz`)).status, 200);
    const late = await fetch(`${url}/authcode`, { method: "POST", headers, body });
    assert.equal(late.status, 200, "the code was not spent meanwhile");
  });

  test("while the store is away: a key that nobody has seen lately is not let in by the outage", async (t) => {
    const { ask, grant, keyFor, fixture, store } = await testService(t);
    const { grantId } = await grant();
    await (await ask(`/v1/grants/${grantId}/token`)).text();
    const unseen = { authorization: `Bearer ${await keyFor("token")}` };
    await store.close();
    await assertProblem(await ask(`/v1/grants/${grantId}/token`, { headers: unseen }), "store_unavailable");
    fixture.clock.advance(900_000);
    await assertProblem(await ask(`/v1/grants/${grantId}/token`), "store_unavailable");
    await store.open({ clock: fixture.clock });
    assert.equal((await ask(`/v1/grants/${grantId}/token`)).status, 200);
  });
});

test("what the service needs beside its store makes it unready, too", async (t) => {
  let keeper = true;
  const { url } = await testService(t, {
    assertReady: () => {
      if (!keeper) {
        throw new OnbehalfError("store_unavailable", "not there", { hint: "wait", details: { retryAfterMs: 1_000 } });
      }
    },
  });
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  keeper = false;
  assert.equal((await fetch(`${url}/readyz`)).status, 503);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test("a damaged grant is said to be one, and is the only one", async (t) => {
  const { ask, grant, fixture } = await testService(t);
  const [hurt, sound] = [await grant(), await grant()];
  const file = new DatabaseSync(fixture.path, { timeout: 5_000 });
  file.prepare("UPDATE grants SET access_sealed = zeroblob(99) WHERE grant_id = ?").run(hurt.grantId);
  file.close();
  const refused = await ask(`/v1/grants/${hurt.grantId}/token`);
  assert.equal(refused.status, 500);
  const body = (await refused.json()) as Record<string, unknown>;
  assert.deepEqual([body["error"], body["grant_id"]], ["grant_unreadable", hurt.grantId]);
  assert.equal((await ask(`/v1/grants/${sound.grantId}/token`)).status, 200);
});

test("a fault of ours tells the client nothing, and the operator everything", async (t) => {
  const { ask, vault, faults } = await testService(t);
  const secret = new Error("the database password is hunter2");
  vault.forCaller = () => {
    throw secret;
  };
  const response = await ask("/v1/grants");
  assert.equal(response.status, 500);
  const text = await response.text();
  assert.doesNotMatch(text, /hunter2/);
  assert.match(text, /"error":"internal_error"/);
  assert.deepEqual(faults, [secret]);
});

test("an address that is taken is said to be", async (t) => {
  const { vault, url } = await testService(t);
  const port = Number(new URL(url).port);
  await assert.rejects(startServer(vault, { port }), /EADDRINUSE/);
});

test("a bad configuration is refused with every problem listed at once, and no secret in it", () => {
  const settings = settingsFrom(
    { port: "99999" },
    {
      ONBEHALF_STORE: "mysql://root:hunter2@db",
      ONBEHALF_CLIENT_ID: "1234-abc.apps.googleusercontent.com",
      ONBEHALF_GOOGLE_BASE_URL: "http://google.example",
      ONBEHALF_PUBLIC_URL: "ftp://x",
      ONBEHALF_ALLOWED_ORIGINS: "https://app.example.com https://app.example.com/path",
      ONBEHALF_LOG_LEVEL: "chatty",
      PORT: "8787",
    },
  );
  assert.throws(
    () => serviceConfig(settings),
    (error) => {
      assert.ok(error instanceof OnbehalfError && error.code === "configuration_invalid");
      const { problems } = error.details as { problems: string[] };
      for (const name of [
        "STORE",
        "KEY",
        "CLIENT_SECRET",
        "GOOGLE_BASE_URL",
        "PUBLIC_URL",
        "ALLOWED_ORIGINS",
        "LOG_LEVEL",
        "PORT",
      ]) {
        assert.ok(
          problems.some((problem) => problem.includes(name)),
          `${name} in ${problems.join("\n")}`,
        );
      }
      assert.doesNotMatch(problems.join("\n"), /hunter2/);
      return true;
    },
  );
});
