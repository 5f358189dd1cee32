import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { google, isOnbehalfError } from "../../../../src/index.ts";
import { fromRequestMessage, toRequestMessage } from "../../../../src/keeper-process/messages.ts";
import { codeRequest } from "../../../../src/vault/keeper/codes/code-request.ts";
import { assertProblem } from "../../../support/problem.ts";
import { testService } from "../../../support/test-service.ts";
import { testVault, usualScope } from "../../../support/test-vault.ts";

describe("a code sent by somebody who is not its person", () => {
  test("a code that a stranger sends with a wrong nonce is refused, and ends nothing that the person has", async (t) => {
    const { standin, clock, open } = await testVault(t);
    const vault = await open();
    const code = (nonce: string): string =>
      standin.code({ kind: "native", email: "ada@example.com", scope: usualScope, force: true, nonce });
    const grant = await vault.exchangeCode({ code: code("ada's"), source: "android", nonce: "ada's" });

    await assert.rejects(
      vault.exchangeCode({ code: code("ada's next"), source: "android", nonce: "the thief's" }),
      (error) => isOnbehalfError(error, "id_token_invalid") && error.details.check === "nonce",
    );

    // Revoking the stolen code's tokens would have ended this grant, too.
    clock.advance(3_700_000);
    await vault.getAccessToken(grant);
    assert.equal((await vault.grant(grant)).state, "active");
  });

  test("a code that a stranger sends of a person without a grant leaves nothing that works", async (t) => {
    const { standin, open, newRequests } = await testVault(t);
    const vault = await open();
    const code = standin.code({ kind: "native", email: "ada@example.com", scope: usualScope, nonce: "ada's" });
    await assert.rejects(vault.exchangeCode({ code, source: "android", nonce: "the thief's" }), (error) =>
      isOnbehalfError(error, "id_token_invalid"),
    );
    assert.equal(newRequests("/revoke").length, 1);
    assert.deepEqual((await vault.grants()).grants, []);
  });
});

describe("a code out of a sign-in with a nonce, which the request does not name", () => {
  const page = "http://localhost:3000/callback";
  const asked = { email: "ada@example.com", scope: usualScope, force: true };
  const refused = (error: unknown): boolean =>
    isOnbehalfError(error, "id_token_invalid") && error.details.check === "nonce" && error.hint.includes("as nonce");

  test("a code out of a sign-in with a nonce is refused from every source where the app chooses the nonce, and told by an event", async (t) => {
    const { standin, open, events } = await testVault(t);
    const vault = await open();
    for (const [code, request] of [
      [{ kind: "native" }, { source: "android" }],
      [{ kind: "native" }, {}],
      [{ kind: "native" }, { source: "android", nonce: "" }],
      [{ kind: "popup" }, { source: "web-popup" }],
      [
        { kind: "redirect", redirectUri: page, accessType: "offline" },
        { source: "web-redirect", redirectUri: page },
      ],
      [{ kind: "redirect", redirectUri: page, accessType: "offline" }, { redirectUri: page }],
    ] as const) {
      const stolen = standin.code({ ...asked, ...code, nonce: "ada's" });
      await assert.rejects(vault.exchangeCode({ code: stolen, ...request }), refused, JSON.stringify(request));
      assert.deepEqual((await vault.grants({ state: "active" })).grants, []);
      const own = standin.code({ ...asked, ...code });
      const grant = await vault.exchangeCode({ code: own, ...request });
      await vault.revoke(grant);
    }
    const told = events.filter(({ type }) => type === "id_token_refused");
    assert.equal(told.length, 6);
    assert.deepEqual(told[0], { type: "id_token_refused", provider: "google", check: "nonce" });
  });

  test("a code out of a sign-in with a nonce is taken from an iPhone, whose library makes one that the app cannot know", async (t) => {
    const { standin, open } = await testVault(t);
    const vault = await open();
    const code = (): string => standin.code({ ...asked, kind: "native", nonce: "made by the library" });
    const grant = await vault.exchangeCode({ code: code(), source: "ios" });
    assert.equal(grant.profile.email, "ada@example.com");
    await assert.rejects(
      vault.exchangeCode({ code: code(), source: "ios", nonce: "another" }),
      (error) => isOnbehalfError(error, "id_token_invalid") && error.details.check === "nonce",
    );
    // Who says that a page's code came from an iPhone gets no further than the provider.
    for (const other of [{ kind: "popup" }, { kind: "redirect", redirectUri: page }] as const) {
      await assert.rejects(
        vault.exchangeCode({ code: standin.code({ ...asked, ...other, nonce: "ada's" }), source: "ios" }),
        (error) => isOnbehalfError(error, "code_rejected") && error.details.providerError === "redirect_uri_mismatch",
      );
    }
  });

  test("a code out of a sign-in with a nonce is refused over HTTP, with a problem that says what to send, but for an iPhone's", async (t) => {
    const { fixture, ask } = await testService(t);
    const post = (more: Record<string, string>): Promise<Response> => {
      const authCode = fixture.standin.code({ ...asked, kind: "native", nonce: "ada's" });
      const headers = { authorization: "", "x-requested-with": "XMLHttpRequest" };
      return ask("/authcode", { method: "POST", headers, body: new URLSearchParams({ authCode, ...more }) });
    };
    const problem = await assertProblem(await post({}), "id_token_invalid");
    assert.equal(problem["check"], "nonce");
    assert.equal((await post({ source: "ios" })).status, 200);
    assert.equal((await post({ nonce: "ada's" })).status, 200);
  });

  test("a code out of a sign-in with a nonce: whether an unknown one is taken reaches a keeper in another process", () => {
    for (const isNonceUnknown of [true, false]) {
      const request = { ...codeRequest({ code: "4/0A", source: "ios" }, google({ clientId: "c" })), isNonceUnknown };
      assert.equal(fromRequestMessage(toRequestMessage(request)).isNonceUnknown, isNonceUnknown);
    }
  });
});

test("a code with a redirect_uri that is not its own may come again with the right one", async (t) => {
  const { standin, open } = await testVault(t);
  const vault = await open();
  const code = standin.code({ kind: "popup", email: "ada@example.com", scope: usualScope });
  await assert.rejects(
    vault.exchangeCode({ code, source: "android" }),
    (error) => isOnbehalfError(error, "code_rejected") && error.details.providerError === "redirect_uri_mismatch",
  );
  const grant = await vault.exchangeCode({ code, source: "web-popup" });
  assert.equal(grant.profile.email, "ada@example.com");
});
