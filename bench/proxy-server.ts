/**
 * The service with one grant in a SQLite file, as `onbehalf serve` runs it, in front of an API at the port that is its first
 * argument; tells its port, the grant, and a key for each kind of caller.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateMasterKey, google, keyringFromKeys, openVault } from "../src/index.ts";
import { startServer } from "../src/service/index.ts";
import { startStandin } from "../src/standin/index.ts";
import { sqlite } from "../src/store/sqlite/index.ts";

const [, , apiPort = "", audit = "callers"] = process.argv;
const folder = mkdtempSync(join(process.env["BENCH_FOLDER"] ?? tmpdir(), "onbehalf-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const standin = await startStandin();
const record = google({ clientId: standin.clientId, clientSecret: standin.clientSecret, baseUrl: standin.url });
const vault = await openVault({
  provider: { ...record, apiBaseUrl: `http://127.0.0.1:${apiPort}` },
  store: sqlite(join(folder, "grants.db")),
  keyring: keyringFromKeys(generateMasterKey()),
  audit: audit === "none" ? "none" : "callers",
});
const code = standin.code({ kind: "native", email: "ada@example.com", scope: "openid email" });
const { grantId } = await vault.exchangeCode({ code, source: "android" });
const plain = await vault.callers.create("plain", { allow: ["proxy", "token"] });
const hidden = await vault.callers.create("hidden", { allow: ["proxy"] });
const { url } = await startServer(vault, { port: 0 });

process.on("message", () => process.exit(0));
process.send?.({ port: Number(new URL(url).port), plain: plain.key.expose(), hidden: hidden.key.expose(), grantId });
