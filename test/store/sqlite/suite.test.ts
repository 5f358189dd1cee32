import { sqlite } from "../../../src/store/sqlite/index.ts";
import { storeSuite } from "../../../src/store/suite/index.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { storeProperties } from "../properties.ts";

storeSuite("sqlite in a file", async (t) => sqlite(`${await temporaryFolder(t)}/onbehalf.db`), {
  again: (first) => sqlite(first.location),
});
storeSuite("sqlite in memory", async () => sqlite(":memory:"));
storeProperties("sqlite in memory", async () => sqlite(":memory:"), 40);
