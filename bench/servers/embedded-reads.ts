/** An embedded vault over a filled store. Its arguments: the store as JSON, and how many grants are read, in turn. */
import { storeFrom } from "../../src/service/index.ts";
import { grantIdOf } from "../../tools/key-rotation/fill.ts";
import { vaultOver } from "../filled-store.ts";
import type { FilledStore } from "../filled-store.ts";
import { serveWork } from "../worker.ts";

const [, , given = "", grants = "1"] = process.argv;
const filled = JSON.parse(given) as FilledStore;
const count = Math.min(Number(grants), filled.grants);
const vault = await vaultOver(filled, storeFrom({ store: filled.setting }));
const references = Array.from({ length: count }, (_, n) => ({ grantId: grantIdOf(n) }));
const [first] = references;
serveWork({ read: (n) => vault.getAccessToken(references[n % count] ?? first ?? "") });
