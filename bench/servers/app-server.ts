/** An app that mounts the service itself, over a filled store. Its arguments: the store as JSON, and whose tokens are recorded. */
import { startServer, storeFrom } from "../../src/service/index.ts";
import { vaultOver } from "../filled-store.ts";
import type { FilledStore } from "../filled-store.ts";

const [, , given = "", audit = "callers"] = process.argv;
const filled = JSON.parse(given) as FilledStore;
const vault = await vaultOver(filled, storeFrom({ store: filled.setting }), {
  audit: audit === "none" ? "none" : "callers",
});
const { url } = await startServer(vault, { port: 0 });
process.send?.({ port: Number(new URL(url).port) });
