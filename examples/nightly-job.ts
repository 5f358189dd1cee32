/// <reference types="node" />
/**
 * Weeks later, in another process, while everybody sleeps: the job writes a file into each person's own Drive folder,
 * and lists the people who have to sign in again.
 */
import { google, isOnbehalfError, keyringFromEnv, openVault } from "onbehalf";
import type { Grant } from "onbehalf";
import { sqlite } from "onbehalf/sqlite";

const baseUrl = process.env["GOOGLE_BASE_URL"];

await using vault = await openVault({
  provider: google({ clientSecretFile: "client_secret.json", ...(baseUrl === undefined ? {} : { baseUrl }) }),
  store: sqlite("onbehalf.db"),
  keyring: keyringFromEnv("ONBEHALF_KEY"),
});

let cursor: string | undefined;
do {
  const page = await vault.grants({ limit: 100, ...(cursor === undefined ? {} : { cursor }) });
  for (const grant of page.grants) await writeNote(grant);
  cursor = page.cursor;
} while (cursor !== undefined);

async function writeNote(grant: Grant): Promise<void> {
  try {
    const answer = await vault.fetch(grant, "https://www.googleapis.com/drive/v3/files", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "nightly.txt", parents: ["appDataFolder"] }),
    });
    process.stdout.write(`${grant.profile.email ?? grant.subject}: ${answer.status}\n`);
  } catch (error) {
    if (!isOnbehalfError(error)) throw error;
    if (error.code === "reauthorization_required") {
      process.stdout.write(`${grant.profile.email ?? grant.subject}: must sign in again (${error.details.reason})\n`);
    } else {
      // The grant is not the cause: the next night tries again.
      process.stdout.write(`${grant.profile.email ?? grant.subject}: not tonight (${error.code})\n`);
    }
  }
}
