import { postgres } from "../../../src/store/postgres/index.ts";
import { freshDatabase } from "../../support/postgres.ts";
import { reachMatrix } from "../../support/reach-matrix.ts";

reachMatrix("on PostgreSQL", async (t) => {
  const url = await freshDatabase(t);
  return () => postgres(url);
});
