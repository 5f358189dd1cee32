/** The service with one grant, as `onbehalf serve` runs it, or with another `audit` as its argument; tells its port, a caller's key, the grant, and a handle of it. */
import { generateMasterKey, google, keyringFromKeys, openVault } from "../src/index.ts";
import { startServer } from "../src/service/index.ts";
import { startStandin } from "../src/standin/index.ts";
import { sqlite } from "../src/store/sqlite/index.ts";
import { permissions } from "../src/vault/http/callers.ts";

const standin = await startStandin();
const vault = await openVault({
  provider: google({ clientId: standin.clientId, clientSecret: standin.clientSecret, baseUrl: standin.url }),
  store: sqlite(":memory:"),
  keyring: keyringFromKeys(generateMasterKey()),
  audit: process.argv[2] === "none" ? "none" : "callers",
});
const code = standin.code({ kind: "native", email: "ada@example.com", scope: "openid email" });
const { grantId } = await vault.exchangeCode({ code, source: "android" });
const { key } = await vault.callers.create("bench", { allow: permissions });
const { secret } = await vault.handles.create({ grantId }, { name: "bench", forCaller: "bench" });
const { url } = await startServer(vault, { port: 0 });

process.on("message", () => process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() }));
process.send?.({ port: Number(new URL(url).port), key: key.expose(), grantId, handle: secret.expose() });
