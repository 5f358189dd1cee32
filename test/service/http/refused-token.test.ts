import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { startServer } from "../../../src/service/index.ts";
import { assertProblem } from "../../support/problem.ts";
import { testService } from "../../support/test-service.ts";
import { outcomes } from "../../support/test-vault.ts";

const digest = (token: string, encoding: "hex" | "base64" | "base64url" = "hex"): string =>
  createHash("sha256").update(token).digest(encoding);

const tokenIn = async (response: Response): Promise<string> =>
  ((await response.json()) as { access_token: string }).access_token;

describe("a token that an API has refused", () => {
  test("twenty callers of two processes who say that one token was refused get one other token, of one refresh", async (t) => {
    const { fixture, url, grant, key } = await testService(t);
    const { grantId } = await grant();
    const second = await startServer(await fixture.open(), { port: 0 });
    t.after(() => second.close());
    const ask = (at: string, query: string): Promise<Response> =>
      fetch(`${at}/v1/grants/${grantId}/token${query}`, { headers: { authorization: `Bearer ${key}` } });
    const refused = await tokenIn(await ask(url, ""));
    fixture.newRequests();
    const hashes = [digest(refused), digest(refused).toUpperCase()];
    const others = await Promise.all(
      Array.from({ length: 20 }, async (_, n) =>
        tokenIn(await ask(n % 2 === 0 ? url : second.url, `?refused=${hashes[n % 3 === 0 ? 1 : 0]}`)),
      ),
    );
    assert.equal(new Set(others).size, 1);
    assert.ok(!others.includes(refused));
    assert.deepEqual(outcomes(fixture.newRequests("/token")), { refreshed: 1 });
    // The same word once more, from somebody who is late, changes nothing.
    assert.equal(await tokenIn(await ask(url, `?refused=${digest(refused)}`)), others[0]);
    assert.deepEqual(outcomes(fixture.newRequests("/token")), {});
  });

  test("the hash of any other token changes nothing, and what is no hash is refused by its name", async (t) => {
    const { fixture, ask, grant } = await testService(t);
    const { grantId } = await grant();
    const token = await tokenIn(await ask(`/v1/grants/${grantId}/token`));
    fixture.newRequests();
    assert.equal(await tokenIn(await ask(`/v1/grants/${grantId}/token?refused=${digest("another")}`)), token);
    const none = [
      digest(token, "base64"),
      digest(token, "base64url"),
      token,
      digest(token).slice(1),
      `${digest(token)}0`,
      "",
    ];
    for (const refused of none) {
      const answer = await ask(`/v1/grants/${grantId}/token?refused=${encodeURIComponent(refused)}`);
      const body = await assertProblem(answer, "invalid_request");
      assert.equal(body["parameter"], "refused");
      assert.ok(!JSON.stringify(body).includes(token));
    }
    assert.equal(fixture.newRequests().length, 0);
  });
});
