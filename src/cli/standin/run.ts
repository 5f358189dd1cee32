import { cannotListen } from "../../core/listening.ts";
import { startStandin } from "../../standin/index.ts";
import type { McpStandin, RunningStandin, StandinKind } from "../../standin/index.ts";
import { printJson, printLines, say } from "../terminal/print.ts";
import { UsageError } from "../terminal/usage-error.ts";
import { untilStopped } from "../terminal/stop.ts";

/** The flags of `onbehalf standin`. */
export interface Flags {
  readonly kind: StandinKind;
  readonly port: number;
  readonly expiresIn?: number | "none";
  readonly json?: boolean;
}

/** Runs the stand-in until SIGTERM or SIGINT. It prints the client's secret: that is the same in every stand-in. */
export async function standin(flags: Flags): Promise<void> {
  const stopped = untilStopped();
  const running = await listening(flags);
  const { url, clientId, clientSecret } = running;
  const server = "server" in running ? { server: running.server } : {};
  if (flags.json === true) {
    printJson({ standin: url, client_id: clientId, client_secret: clientSecret, ...server, pid: process.pid });
  } else if (flags.kind === "google") {
    printLines([
      `ONBEHALF_GOOGLE_BASE_URL=${url}`,
      `ONBEHALF_CLIENT_ID=${clientId}`,
      `ONBEHALF_CLIENT_SECRET=${clientSecret}`,
    ]);
  } else {
    printJson({ providers: [providerRecord(running)] });
  }
  const signal = await Promise.race([stopped, running.closed]);
  if (signal === undefined) throw new Error("the stand-in ends, because it no longer listens");
  say(`${signal}: the stand-in ends, and forgets everything`);
  await running.close();
}

/** The stand-in, as `--providers-file` names a provider: what the command prints is what `serve` needs. */
function providerRecord(running: RunningStandin | McpStandin): Record<string, unknown> {
  const name = "standin";
  if ("server" in running) return { name, type: "mcp", server: running.server, client_name: "Onbehalf" };
  const { url, issuer, clientId, clientSecret } = running;
  return {
    name,
    type: "oauth2",
    issuer,
    client_id: clientId,
    client_secret: clientSecret,
    scopes: ["profile"],
    identity: { userinfo: `${url}/user`, subject: "id", email: "email" },
    rotation: "strict",
    api_hosts: [new URL(url).host],
  };
}

async function listening(flags: Flags): Promise<RunningStandin | McpStandin> {
  try {
    return await started(flags);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    throw cannotListen(
      "127.0.0.1",
      flags.port,
      { code: String(error.code), message: error.message },
      { port: { flag: "--port" } },
    );
  }
}

function started({ kind, port, expiresIn }: Flags): Promise<RunningStandin | McpStandin> {
  if (kind === "google") {
    if (expiresIn === "none")
      throw new UsageError(
        "Google's access tokens have an end",
        "give --kind oauth2 or mcp, too, or a number of seconds",
      );
    return startStandin({ port, ...(expiresIn === undefined ? {} : { accessTokenTtlSeconds: expiresIn }) });
  }
  if (expiresIn === "none") return startStandin({ kind, port, expiresIn });
  return startStandin({ kind, port, ...(expiresIn === undefined ? {} : { accessTokenTtlSeconds: expiresIn }) });
}
