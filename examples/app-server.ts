/// <reference types="node" />
/**
 * The vault inside an app's own server: one route takes codes from phones, another calls the API for whoever asks.
 *
 * Needs client_secret.json in this folder and a master key in ONBEHALF_KEY; GOOGLE_BASE_URL points it at a stand-in.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { google, keyringFromEnv, openVault, problemResponse } from "onbehalf";
import { toNode } from "onbehalf/node";
import { sqlite } from "onbehalf/sqlite";

const baseUrl = process.env["GOOGLE_BASE_URL"];

const vault = await openVault({
  provider: google({ clientSecretFile: "client_secret.json", ...(baseUrl === undefined ? {} : { baseUrl }) }),
  store: sqlite("onbehalf.db"),
  keyring: keyringFromEnv("ONBEHALF_KEY"),
});
const takeCode = vault.authCodeHandler();

/** Web-standard in and out, as in most frameworks of today. */
async function handle(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/authcode") return takeCode(request);
  const subject = /^\/people\/(\d+)\/folder$/.exec(pathname)?.[1];
  if (subject === undefined) return new Response("not found\n", { status: 404 });
  try {
    // An app would first ask its own session who this is; the grant it uses is then that person's.
    const folder = await vault.fetch({ subject }, "https://www.googleapis.com/drive/v3/files/appfolder");
    return Response.json(await folder.json(), { status: folder.status });
  } catch (error) {
    return problemResponse(error);
  }
}

const server = createServer(toNode(handle));
server.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});

process.once("SIGTERM", () => {
  server.close(() => {
    // close() waits until the work under way is stored.
    vault.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
  server.closeAllConnections();
});
