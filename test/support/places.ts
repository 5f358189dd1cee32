import type { TestContext } from "node:test";
import { freshDatabase } from "./postgres.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A new place for grants of each kind, for `storeAt` and for other processes. */
export const places: Readonly<Record<"sqlite" | "postgres", (t: TestContext) => Promise<string>>> = {
  sqlite: async (t) => `sqlite:${await temporaryFolder(t)}/grants.db`,
  postgres: freshDatabase,
};
