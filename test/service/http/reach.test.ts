import { sqlite } from "../../../src/store/sqlite/index.ts";
import { reachMatrix } from "../../support/reach-matrix.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

reachMatrix("on SQLite", async (t) => {
  const folder = await temporaryFolder(t);
  return () => sqlite(`${folder}/grants.db`);
});
