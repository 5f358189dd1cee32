/**
 * An agent in a process of its own: `node agent-process.ts SDK SERVER STORE WORK …`. It prints one line of JSON. WORK is `begin`, which
 * sends the person away and then waits for its end; `finish ANSWER`, with what came back; or `call COUNT`.
 */
import { keyringFromEnv, mcpServer, openVault } from "../../src/index.ts";
import { mcpOAuthProvider } from "../../src/mcp/index.ts";
import { sqlite } from "../../src/store/sqlite/index.ts";
import { redirectUri } from "./connected-person.ts";
import { sdks } from "./sdks.ts";

const [, , version = "", server = "", path = "", work = "", argument = ""] = process.argv;
const sdk = sdks.get(version);
if (sdk === undefined) throw new Error(`no SDK ${version}`);

const vault = await openVault({
  provider: mcpServer({ name: "tools", server, clientName: "Notes", redirectUri }),
  store: sqlite(path),
  keyring: keyringFromEnv("AGENT_KEY"),
});
const say = (what: unknown): void => void process.stdout.write(`${JSON.stringify(what)}\n`);
const answer = new URLSearchParams(argument);
const provider = mcpOAuthProvider(vault, {
  provider: "tools",
  externalId: "user-1",
  redirectUrl: redirectUri,
  onRedirect: (url) => say(url.href),
  ...(work === "finish" ? { state: answer.get("state") ?? "" } : {}),
});

if (work === "begin") {
  await sdk(server, provider)
    .connect()
    .catch(() => undefined);
  // Until it is killed: the person is away.
  setInterval(() => undefined, 1_000);
} else if (work === "finish") {
  await sdk(server, provider).finishAuth(answer);
  say("finished");
  process.exit(0);
} else {
  // Each with a transport of its own: one of SDK 1 gives up when a second request is refused while the first is sent again.
  const clients = Array.from({ length: Number(argument) }, () => sdk(server, provider));
  await Promise.all(clients.map((client) => client.connect()));
  say("connected");
  process.stdin.once("data", () => {
    void Promise.all(clients.map((client, a) => client.call("add", { a, b: 1 }))).then((sums) => {
      say(sums);
      process.exit(0);
    });
  });
}
