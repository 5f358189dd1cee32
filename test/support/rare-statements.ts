import { fixedClock } from "../../src/core/clock.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { begin, save } from "../../src/store/suite/rows.ts";

/** Makes a store run what the suite cannot make it run, because that takes a clock which is put back. */
export async function runRareStatements(): Promise<void> {
  const clock = fixedClock("2026-11-22T00:00:00Z");
  const store = sqlite(":memory:");
  await store.open({ clock });
  const { grantId } = await save(store);
  clock.advance(86_400_000);
  await begin(store, grantId, "from a wrong clock");
  clock.advance(-86_400_000);
  await begin(store, grantId, "from the right one");
  await store.close();
}
