import { sqlite } from "../../../../src/store/sqlite/index.ts";
import { accountProperties } from "../../../support/account-model.ts";

accountProperties("on SQLite", async () => sqlite(":memory:"), 10);
