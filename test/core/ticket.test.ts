import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as hold, constantFrom, integer, option, property, record } from "fast-check";
import { flawOf, ticketLifeMs } from "../../src/core/ticket.ts";
import type { TicketContent } from "../../src/core/ticket.ts";

const issuedAt = Date.UTC(2026, 10, 22);
const ticket: TicketContent = {
  callerId: "c1",
  provider: "google",
  clientId: "client-1",
  externalId: "user-1",
  nonce: "n-1",
  isNonceRequired: false,
  issuedAt,
};
const nothing = {
  clientId: "client-1",
  provider: undefined,
  externalId: undefined,
  account: undefined,
  nonce: undefined,
};
const fits = { ticket, isMakerAllowed: true, ...nothing };

test("a ticket is good for five minutes, and after that for what came with it in time, for a minute", () => {
  const at = (ms: number, boundMs?: number): string | undefined =>
    flawOf({ ...fits, now: issuedAt + ms, ...(boundMs === undefined ? {} : { boundAt: issuedAt + boundMs }) });
  const table: readonly [number, number | undefined, string | undefined][] = [
    [0, undefined, undefined],
    [299_999, undefined, undefined],
    [300_000, undefined, "expired"],
    [300_000, 299_999, undefined],
    [359_998, 299_999, undefined],
    [359_999, 299_999, "expired"],
    [300_000, 200_000, "expired"],
    // Made in our future: a clock was put right, and nobody knows how old it is.
    [-10_001, undefined, "expired"],
    [-10_000, undefined, undefined],
  ];
  for (const [ms, boundMs, flaw] of table) assert.equal(at(ms, boundMs), flaw, `${ms} ms, bound at ${boundMs}`);
});

test("a ticket fits exactly what names nothing, or names what the ticket says, in time, while its maker may", () => {
  const use = record({
    now: integer({ min: -20_000, max: 400_000 }),
    boundAt: option(integer({ min: -20_000, max: 400_000 }), { nil: undefined }),
    isMakerAllowed: constantFrom(true, true, true, false),
    clientId: constantFrom("client-1", "client-1", "client-1", "client-2", undefined),
    provider: constantFrom(undefined, "google", "google", "github", ""),
    externalId: constantFrom(undefined, "user-1", "user-1", "user-2", "", "user-1 "),
    account: constantFrom(undefined, undefined, "work", "home"),
    nonce: constantFrom(undefined, "n-1", "n-1", "n-2"),
  });
  let met = 0;
  hold(
    property(use, constantFrom(undefined, "work"), ({ now, boundAt, ...rest }, account) => {
      const given = {
        ticket: { ...ticket, ...(account === undefined ? {} : { account }) },
        ...rest,
        now: issuedAt + now,
        ...(boundAt === undefined ? {} : { boundAt: issuedAt + boundAt }),
      };
      const isInTime = now >= -10_000 && now < ticketLifeMs;
      const isReplay = boundAt !== undefined && boundAt <= now + 10_000 && now - boundAt < 60_000;
      const is = (value: string | undefined, wanted: string): boolean => value === undefined || value === wanted;
      const isGood =
        (isInTime || isReplay) &&
        rest.isMakerAllowed &&
        rest.clientId === "client-1" &&
        is(rest.provider, "google") &&
        is(rest.externalId, "user-1") &&
        (account === undefined || is(rest.account, account)) &&
        is(rest.nonce, "n-1");
      met += Number(isGood);
      assert.equal(flawOf(given) === undefined, isGood, String(flawOf(given)));
    }),
    { numRuns: 5_000, seed: 20_261_126 },
  );
  assert.ok(met > 100, `${met} of them fit`);
});
