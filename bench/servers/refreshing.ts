/**
 * An embedded vault over a filled store whose access tokens have ended. Its arguments: the store as JSON, and where its keeper runs.
 * Each piece of work is for another grant.
 */
import { storeFrom } from "../../src/service/index.ts";
import { grantIdOf } from "../../tools/key-rotation/fill.ts";
import { vaultOver } from "../filled-store.ts";
import type { FilledStore } from "../filled-store.ts";
import { serveWork } from "../worker.ts";

const [, , given = "", keeper = "in-process"] = process.argv;
const filled = JSON.parse(given) as FilledStore;
const vault = await vaultOver(filled, storeFrom({ store: filled.setting }), {
  keeper: keeper === "process" ? "process" : "in-process",
  exchangeRate: { perSecond: 100_000, burst: 100_000 },
});
serveWork({
  refresh: (n) => vault.getAccessToken({ grantId: grantIdOf(n) }),
  crowd: (n) => vault.getAccessToken({ grantId: grantIdOf(n) }),
  code: (n) => vault.exchangeCode({ code: `4/p${n}/${"c".repeat(60)}`, source: "android" }),
});
