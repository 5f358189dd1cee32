/*
 * The contract of ../store.ts as tests of `node:test`, exported for stores that others write.
 * Nothing here may depend on one database: what only SQLite or PostgreSQL does is tested in test/store/.
 */
import { describe } from "node:test";
import type { TestContext } from "node:test";
import type { Store } from "../store.ts";
import { attemptTests } from "./attempts.ts";
import { auditTests } from "./audit.ts";
import { SuiteStores } from "./suite-stores.ts";
import { byteTests } from "./bytes.ts";
import { callerTests } from "./callers.ts";
import { connectTests } from "./connects.ts";
import { changeTests } from "./changes.ts";
import { clientTests } from "./clients.ts";
import { commitTests } from "./commits.ts";
import { dashboardTests } from "./dashboard.ts";
import { depositTests } from "./deposits.ts";
import { epochTests } from "./epochs.ts";
import { eventTests } from "./events.ts";
import { externalIdTests } from "./external-ids.ts";
import { figuresTests } from "./figures.ts";
import { grantTests } from "./grants.ts";
import { handleTests } from "./handles.ts";
import { intakeTests } from "./intakes.ts";
import { keyTests } from "./keys.ts";
import { lifeTests } from "./life.ts";
import { lateAnswerTests } from "./late-answers.ts";
import { lifeOfGrantsTests } from "./lives.ts";
import { probeTests } from "./probes.ts";
import { resealTests } from "./reseal.ts";
import { revocationTests } from "./revocation.ts";
import { sessionTests } from "./sessions.ts";
import { signalTests } from "./signals.ts";
import { ticketTests } from "./tickets.ts";
import { tokenTests } from "./tokens.ts";
import { webhookTests } from "./webhooks.ts";

export type * from "../store.ts";

export interface StoreSuiteOptions {
  /**
   * Makes another handle on the data of `first`, as a second process would have. With it, races run between the two.
   * Leave it out where the data cannot be shared.
   */
  readonly again?: (first: Store) => Store | Promise<Store>;
}

/**
 * Registers the tests that every store must pass. What one store does, every store does.
 *
 * @param name of the store, for the title of the tests
 * @param open makes a store that is not open yet, over new, empty data; clean up with the context's `after`
 */
export function storeSuite(
  name: string,
  open: (t: TestContext) => Promise<Store>,
  { again }: StoreSuiteOptions = {},
): void {
  const stores = new SuiteStores(open, again);
  describe(`store: ${name}`, () => {
    for (const tests of [
      lifeTests,
      keyTests,
      grantTests,
      tokenTests,
      externalIdTests,
      byteTests,
      revocationTests,
      attemptTests,
      commitTests,
      lateAnswerTests,
      intakeTests,
      ticketTests,
      connectTests,
      depositTests,
      callerTests,
      handleTests,
      sessionTests,
      dashboardTests,
      figuresTests,
      clientTests,
      probeTests,
      signalTests,
      lifeOfGrantsTests,
      changeTests,
      auditTests,
      epochTests,
      eventTests,
      webhookTests,
      resealTests,
    ]) {
      tests(stores);
    }
  });
}
