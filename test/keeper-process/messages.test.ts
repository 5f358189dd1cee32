import assert from "node:assert/strict";
import { test } from "node:test";
import { fromRequestMessage, toRequestMessage } from "../../src/keeper-process/messages.ts";
import { Secret } from "../../src/index.ts";
import type { CodeRequest } from "../../src/index.ts";

test("a code's request comes out of the pipe with all that a keeper is to go by, such as who alone may have consented", () => {
  const request: Required<CodeRequest> = {
    code: new Secret("code"),
    redirectUri: "https://app.example/back",
    codeVerifier: new Secret("v".repeat(43)),
    nonce: "nonce",
    isNonceOptional: true,
    isNonceUnknown: true,
    idempotencyKey: new Secret("key"),
    externalId: "user-42",
    account: "work",
    subject: "108",
    moveExternalId: true,
    scopes: ["email"],
    isPublic: true,
    hold: { connect: "c", challenge: "h", until: 7, returnChallenge: "r" },
    principal: { caller: "app", requestId: "r_1" },
  };
  const back = fromRequestMessage(structuredClone(toRequestMessage(request)));
  assert.deepEqual(shown(back), shown(request));
});

function shown(request: CodeRequest): object {
  return Object.fromEntries(
    Object.entries(request).map(([name, value]) => [name, value instanceof Secret ? value.expose() : value]),
  );
}
