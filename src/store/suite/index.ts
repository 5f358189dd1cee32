import { describe } from "node:test";
import type { TestContext } from "node:test";
import type { Store } from "../store.ts";
import { attemptTests } from "./attempts.ts";
import { Bench } from "./bench.ts";
import { byteTests } from "./bytes.ts";
import { callerTests } from "./callers.ts";
import { changeTests } from "./changes.ts";
import { commitTests } from "./commits.ts";
import { grantTests } from "./grants.ts";
import { intakeTests } from "./intakes.ts";
import { keyTests } from "./keys.ts";
import { lifeTests } from "./life.ts";
import { lateAnswerTests } from "./late-answers.ts";
import { revocationTests } from "./revocation.ts";

export type * from "../store.ts";

export interface StoreSuiteOptions {
  /**
   * Another handle on the data of `first`, as a second process would have one. With it, races between two handles are
   * run, too; leave it out where the data cannot be shared.
   */
  readonly again?: (first: Store) => Store | Promise<Store>;
}

/**
 * The contract that every store must pass, as tests of `node:test`. What one store does, every store does.
 *
 * @param name of the store, as the tests are titled
 * @param open makes a store over fresh, empty data, not opened yet; clean up with the context's `after`
 */
export function storeSuite(
  name: string,
  open: (t: TestContext) => Promise<Store>,
  { again }: StoreSuiteOptions = {},
): void {
  const bench = new Bench(open, again);
  describe(`store: ${name}`, () => {
    for (const tests of [
      lifeTests,
      keyTests,
      grantTests,
      byteTests,
      revocationTests,
      attemptTests,
      commitTests,
      lateAnswerTests,
      intakeTests,
      callerTests,
      changeTests,
    ]) {
      tests(bench);
    }
  });
}
