import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateMasterKey } from "../../src/index.ts";
import type { Standin } from "../../src/standin/index.ts";

/** Puts a master key (`key.txt`) and a stand-in's client (`client_secret.json`) into a folder. Returns the environment. */
export async function writeCredentials(folder: string, standin: Standin): Promise<Record<string, string>> {
  const client = { client_id: standin.clientId, client_secret: standin.clientSecret };
  await writeFile(join(folder, "key.txt"), `${generateMasterKey().expose()}\n`, { mode: 0o600 });
  await writeFile(join(folder, "client_secret.json"), JSON.stringify({ web: client }), { mode: 0o600 });
  return {
    STANDIN: standin.url,
    ONBEHALF_GOOGLE_BASE_URL: standin.url,
    ONBEHALF_KEY_FILE: "key.txt",
    ONBEHALF_CLIENT_SECRET_FILE: "client_secret.json",
    PORT: "0",
  };
}
