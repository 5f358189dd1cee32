import assert from "node:assert/strict";
import { test } from "node:test";
import { at, inOrder, withEvents } from "../../../src/core/diagnosis/evidence.ts";

const minute = 60_000;

test("evidence that says the same at several times is said once, with how often, at the time of the last", () => {
  const evidence = [at(5, "refused"), at(1, "consented"), at(3, "refused"), at(3, "refused")];
  assert.deepEqual(inOrder(evidence), [at(1, "consented"), at(5, "refused (the last of 2 times)")]);
  assert.deepEqual(inOrder([at(3, "refused"), at(3, "refused")]), [at(3, "refused")], "twice at one time is once");
});

test("what an event says of itself, its word for why and when it happened, takes the place of its name alone", () => {
  const known = [at(2 * minute, "the provider sent the event account-disabled"), at(3 * minute, "refused")];
  const event = { event: "account-disabled", happenedAt: minute, receivedAt: 2 * minute };
  assert.deepEqual(withEvents(known, [{ ...event, saidReason: "hijacking" }]), [
    at(minute, "the provider sent the event account-disabled (hijacking)"),
    at(3 * minute, "refused"),
  ]);
  assert.deepEqual(withEvents([], [{ ...event, saidReason: null, receivedAt: 181 * minute }]), [
    at(minute, "the provider sent the event account-disabled; it came 3 hours later"),
  ]);
  assert.equal(withEvents(known, []), known);
});
