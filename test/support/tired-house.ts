import type { TestContext } from "node:test";
import { movableClock } from "../../src/index.ts";
import type { Provider } from "../../src/index.ts";
import type { StandinOptions } from "../../src/standin/index.ts";
import { house, until } from "./house.ts";
import type { House } from "./house.ts";
import { rotations } from "./rotations.ts";
import { storeAt } from "./store-process.ts";

export interface TiredHouse extends House {
  /** The grants, in the order of the people. */
  readonly grantIds: readonly string[];
  /** The first of them. */
  readonly grantId: string;
  /** A caller's key with every permission. */
  readonly callerKey: string;
}

export interface TiredOptions {
  readonly people?: readonly string[];
  /** Where the grants are kept: `sqlite:PATH` or a PostgreSQL connection string; by default in the house's file. */
  readonly where?: string;
  /** What differs from the rotation's own. */
  readonly provider?: Partial<Provider>;
  readonly standin?: Partial<StandinOptions>;
}

/**
 * A house that goes by the machine's clock, as processes of their own do, and whose grants need a refresh at once; the
 * tokens that the refresh brings live an hour. No vault is open over it.
 *
 * @param rotation the provider's; a used token ends its whole family where it rotates at all
 */
export async function tiredHouse(
  t: TestContext,
  rotation: (typeof rotations)[number]["name"],
  { people = ["ada@example.com"], where, provider, standin }: TiredOptions = {},
): Promise<TiredHouse> {
  const plays = rotations.find(({ name }) => name === rotation);
  if (plays === undefined) throw new TypeError(rotation);
  const home = await house(t, {
    ...plays.standin,
    ...standin,
    clock: movableClock(),
    provider: { rotation: plays.rotation, ...provider },
    accessTokenTtlSeconds: 30,
  });
  const vault = await home.open(where === undefined ? {} : { store: storeAt(where) });
  const grants = await Promise.all(people.map((email) => vault.exchangeCode({ code: home.code(email) })));
  const { key } = await vault.callers.create("test");
  await vault.close();
  home.standin.settings({ accessTokenTtlSeconds: 3_600 });
  home.news();
  const grantIds = grants.map(({ grantId }) => grantId);
  return { ...home, grantIds, grantId: grantIds[0] ?? "", callerKey: key.expose() };
}

/** Resolves once the provider has acted on so many refreshes; their answers may still be on the way. */
export async function acted({ standin }: House, refreshes = 1): Promise<void> {
  await until(() => standin.log().counts["refreshed"] === refreshes);
}
