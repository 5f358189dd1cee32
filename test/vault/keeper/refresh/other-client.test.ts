/** A grant whose client is not configured in this process: it may be in use elsewhere, and is not touched here. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { sqlite } from "../../../../src/store/sqlite/index.ts";
import { fails } from "../../../support/fails.ts";
import { rotations } from "../../../support/rotations.ts";
import { testVault } from "../../../support/test-vault.ts";

const email = "ada@example.com";

test("a grant of a provider that is not configured any more is client_misconfigured", async (t) => {
  const { open, provider, code, clock } = await testVault(t);
  const first = await open();
  const { grantId } = await first.exchangeCode({ code: code(email) });
  await first.close();
  clock.advance(3_700_000);
  const vault = await open({ providers: [{ ...provider, name: "other" }] });
  await assert.rejects(vault.getAccessToken(grantId), fails("client_misconfigured"));
});

test("a grant of another client of a provider is client_misconfigured, and its row stays as it is", async (t) => {
  const { open, provider, code, clock, standin } = await testVault(t);
  const first = await open();
  const { grantId } = await first.exchangeCode({ code: code(email) });
  await first.close();
  clock.advance(3_700_000);
  const { clientId } = standin.client({ loopback: true });
  const vault = await open({ providers: [{ ...provider, client: { clientId } }] });
  await assert.rejects(vault.getAccessToken(grantId), fails("client_misconfigured"));
  assert.equal((await vault.grant(grantId)).lastError, undefined);
});

test("what a dead process may have used up is still known after a process with another client looked", async (t) => {
  const strict = rotations.find(({ name }) => name === "strict") ?? assert.fail("no strict rotation");
  const settings = { ...strict.standin, provider: { rotation: "strict" as const } };
  const { open, provider, code, clock, standin, path } = await testVault(t, settings);
  const first = await open();
  const { grantId } = await first.exchangeCode({ code: code(email) });
  await first.close();
  clock.advance(3_700_000);
  const attemptId = randomUUID();
  const owner = { node: "here", pid: 1, startedAt: "0", vault: "dead" };
  const store = sqlite(path);
  await store.open({ clock });
  await store.beginAttempt({ attemptId, grantId, generation: 1, at: clock.now(), owner });
  await store.endAttemptUnknown(attemptId, { error: "timeout", at: clock.now(), retryAt: null, suspect: true });
  await store.close();

  const { clientId } = standin.client({ loopback: true });
  const vault = await open({ providers: [{ ...provider, client: { clientId } }] });
  await assert.rejects(vault.getAccessToken(grantId), fails("client_misconfigured"));
  await vault.close();
  await store.open({ clock });
  const left = await store.attempts();
  await store.close();
  assert.deepEqual(
    left.map((attempt) => attempt.attemptId),
    [attemptId],
  );
});
