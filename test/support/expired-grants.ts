import type { TestContext } from "node:test";
import { movableClock } from "../../src/index.ts";
import type { Clock, Provider } from "../../src/index.ts";
import type { StandinOptions } from "../../src/standin/index.ts";
import { testVault, until } from "./test-vault.ts";
import type { TestVault } from "./test-vault.ts";
import { rotations } from "./rotations.ts";
import { storeAt } from "./store-process.ts";
import { permissions } from "../../src/vault/http/callers.ts";

export interface ExpiredGrants extends TestVault {
  /** The grants, in the order of the people. */
  readonly grantIds: readonly string[];
  /** The first of them. */
  readonly grantId: string;
  /** A caller's key with every permission. */
  readonly callerKey: string;
}

export interface ExpiredGrantsOptions {
  readonly people?: readonly string[];
  /** Where the grants are kept: `sqlite:PATH` or a PostgreSQL connection string; by default in the fixture's own file. */
  readonly where?: string;
  /** What differs from the provider record of this rotation. */
  readonly provider?: Partial<Provider>;
  readonly standin?: Partial<StandinOptions>;
}

/** Runs 50 seconds behind: what is good for 30 seconds by it has ended. ID tokens may be 60 seconds ahead. */
export const slowClock: Clock = { now: () => Date.now() - 50_000 };

/**
 * A test vault whose grants' access tokens have ended: each grant needs a refresh at once, and the tokens of that refresh
 * live an hour. It goes by the machine's clock, because other processes do. No vault is open over it.
 *
 * @param rotation the provider's; a used token ends its whole family where it rotates at all
 */
export async function expiredGrants(
  t: TestContext,
  rotation: (typeof rotations)[number]["name"],
  { people = ["ada@example.com"], where, provider, standin }: ExpiredGrantsOptions = {},
): Promise<ExpiredGrants> {
  const plays = rotations.find(({ name }) => name === rotation);
  if (plays === undefined) throw new TypeError(rotation);
  const fixture = await testVault(t, {
    ...plays.standin,
    ...standin,
    clock: movableClock(),
    provider: { rotation: plays.rotation, ...provider },
    accessTokenTtlSeconds: 30,
  });
  const vault = await fixture.open({ clock: slowClock, ...(where === undefined ? {} : { store: storeAt(where) }) });
  const grants = await Promise.all(people.map((email) => vault.exchangeCode({ code: fixture.code(email) })));
  const { key } = await vault.callers.create("test", { allow: permissions });
  await vault.close();
  fixture.standin.settings({ accessTokenTtlSeconds: 3_600 });
  fixture.newRequests();
  const grantIds = grants.map(({ grantId }) => grantId);
  return { ...fixture, grantIds, grantId: grantIds[0] ?? "", callerKey: key.expose() };
}

/** Resolves once the provider has acted on this many refreshes; their answers may still be on the way. */
export async function untilRefreshed({ standin }: TestVault, refreshes = 1): Promise<void> {
  await until(() => standin.log().counts["refreshed"] === refreshes);
}
