import { cannotListen } from "../../core/listening.ts";
import { startStandin } from "../../standin/index.ts";
import type { Standin } from "../../standin/index.ts";
import { printJson, printLines, say } from "../terminal/print.ts";
import { untilStopped } from "../terminal/stop.ts";

/** Runs the stand-in until SIGTERM or SIGINT. It prints the client's secret: that is the same in every stand-in. */
export async function standin(flags: { readonly port: number; readonly json?: boolean }): Promise<void> {
  const stopped = untilStopped();
  const running = await listening(flags.port);
  const { url, clientId, clientSecret } = running;
  if (flags.json === true) {
    printJson({ standin: url, client_id: clientId, client_secret: clientSecret, pid: process.pid });
  } else {
    printLines([
      `ONBEHALF_GOOGLE_BASE_URL=${url}`,
      `ONBEHALF_CLIENT_ID=${clientId}`,
      `ONBEHALF_CLIENT_SECRET=${clientSecret}`,
    ]);
  }
  const signal = await Promise.race([stopped, running.closed]);
  if (signal === undefined) throw new Error("the stand-in ends, because it no longer listens");
  say(`${signal}: the stand-in ends, and forgets everything`);
  await running.close();
}

async function listening(port: number): Promise<Standin> {
  try {
    return await startStandin({ port });
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    throw cannotListen(
      "127.0.0.1",
      port,
      { code: String(error.code), message: error.message },
      { port: { flag: "--port" } },
    );
  }
}
