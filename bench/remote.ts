/**
 * `npm run bench:remote`: reads of a token that is in memory, of a remote vault against an embedded one, as a ratio within one run:
 * both take turns, and the median of the rounds counts.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateMasterKey, google, keyringFromKeys, openVault } from "../src/index.ts";
import type { VaultVerbs } from "../src/index.ts";
import { openRemoteVault } from "../src/client/index.ts";
import { startServer } from "../src/service/index.ts";
import { startStandin } from "../src/standin/index.ts";
import { sqlite } from "../src/store/sqlite/index.ts";
import { quantile } from "./quantile.ts";

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 9);
const reads = Number(process.env["BENCH_REQUESTS"] ?? 200_000);
const people = 100;

const folder = mkdtempSync(join(tmpdir(), "onbehalf-"));
const standin = await startStandin();
const { clientId, clientSecret } = standin;
const near = await openVault({
  provider: google({ clientId, clientSecret, baseUrl: standin.url }),
  store: sqlite(join(folder, "grants.db")),
  keyring: keyringFromKeys(generateMasterKey()),
});
const server = await startServer(near, { port: 0 });
try {
  const names: { readonly externalId: string }[] = [];
  for (let person = 0; person < people; person += 1) {
    const externalId = `user-${person}`;
    const code = standin.code({ email: `p${person}@example.com`, scope: "openid email" });
    await near.exchangeCode({ code, externalId });
    names.push({ externalId });
  }
  const { key } = await near.callers.create("bench", { allow: ["token"] });
  await using far = await openRemoteVault({ url: server.url, key });

  const perSecond = async (vault: VaultVerbs): Promise<number> => {
    const begun = performance.now();
    for (let read = 0; read < reads; read += 1) {
      await vault.getAccessToken(names[read % people] ?? { externalId: "" });
    }
    return reads / ((performance.now() - begun) / 1_000);
  };

  const ratios: number[] = [];
  // The first round warms both up and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    const [remote, embedded] = [await perSecond(far), await perSecond(near)];
    if (round > 0) ratios.push(remote / embedded);
    process.stderr.write(
      `round ${round}: remote ${Math.round(remote)}, embedded ${Math.round(embedded)} reads a second\n`,
    );
  }
  const at = (share: number): string => quantile(ratios, share).toFixed(2);
  process.stdout.write(
    `token from memory, remote / embedded vault: median ${at(0.5)} (${at(0)} to ${at(1)}, ${rounds} rounds of ${reads})\n`,
  );
} finally {
  await server.close();
  await near.close();
  await standin.close();
  rmSync(folder, { recursive: true, force: true });
}
