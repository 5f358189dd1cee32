/**
 * What each layer may import and touch, and what it may not: tried by layers.test.ts. Files are given from `src/` on;
 * how a layer would spell the way there is worked out.
 */
export interface Layer {
  readonly file: string;
  readonly refused: readonly string[];
  /** Without these, a rule that refuses everything would pass, too. */
  readonly allowed: readonly string[];
}

/** What is built on the vault, or plays its provider: nothing below may know it. */
const above: readonly string[] = [
  "index.ts",
  "service/run.ts",
  "cli/main.ts",
  "demo/start.ts",
  "standin/index.ts",
  "browser/index.ts",
  "onbehalf",
];

/** What the folders of the vault stand on. */
const under: readonly string[] = [
  "core/errors.ts",
  "providers/provider.ts",
  "oauth/protocol.ts",
  "crypto/keyring.ts",
  "store/store.ts",
];

/** What opens refresh tokens, or leads there. */
const insideTheKeeper: readonly string[] = [
  "vault/keeper/sealed-tokens.ts",
  "vault/keeper/local-keeper.ts",
  "vault/keeper/context.ts",
  "vault/keeper/gate/gate.ts",
  "vault/keeper/codes/intake.ts",
  "vault/keeper/refresh/refresh-grant.ts",
  "vault/keeper/revoke/revoke-grant.ts",
];

/** What the public index is there to hide. */
const behindTheIndex: readonly string[] = [
  "onbehalf",
  "vault.ts",
  "oauth/protocol.ts",
  "providers/google.ts",
  "crypto/keyring.ts",
  "store/store.ts",
  "store/sql/sql.ts",
  "store/sqlite/database.ts",
  "vault/context.ts",
  "vault/tokens/token-source.ts",
  "vault/grants/sealed-grant.ts",
  "vault/keeper/open-keeper.ts",
  "vault/keeper/codes/code-request.ts",
  ...insideTheKeeper,
];

/** What a service may use, as everybody else's could; and the core, which is pure. */
const publicInterface: readonly string[] = [
  "index.ts",
  "store/sqlite/index.ts",
  "store/postgres/index.ts",
  "vault/http/request-body.ts",
  "vault/keeper/keeper.ts",
  "core/errors.ts",
  "core/refresh.ts",
];

const besideTheKeeper: readonly string[] = ["vault/tokens/token-source.ts", "vault/http/callers.ts", "vault.ts"];

export const imports: readonly Layer[] = [
  {
    file: "core/refresh.ts",
    refused: [...above, "vault.ts", "oauth/protocol.ts", "store/store.ts", "node:fs", "node:crypto", "jose"],
    allowed: ["core/grant.ts", "core/errors.ts", "core/secret.ts", "core/single-flight.ts"],
  },
  {
    file: "providers/google.ts",
    refused: [...above, "vault.ts", "oauth/protocol.ts", "store/store.ts", "crypto/sealing.ts", "node:fs", "jose"],
    allowed: ["providers/provider.ts", "core/secret.ts"],
  },
  {
    file: "oauth/bounded-fetch.ts",
    refused: [
      ...above,
      "vault.ts",
      "vault/context.ts",
      "providers/google.ts",
      "store/store.ts",
      "crypto/sealing.ts",
      "node:fs",
      "node:http",
      "hono",
    ],
    allowed: ["oauth/jwks.ts", "core/errors.ts", "providers/provider.ts", "jose", "oauth4webapi", "node:crypto"],
  },
  {
    file: "outbound/outbound-fetch.ts",
    refused: [
      ...above,
      "vault.ts",
      "oauth/protocol.ts",
      "providers/provider.ts",
      "crypto/sealing.ts",
      "store/store.ts",
      "core/secret.ts",
      "node:fs",
    ],
    allowed: ["outbound/proxy-agents.ts", "core/errors.ts", "node:http", "node:zlib"],
  },
  {
    file: "crypto/sealing.ts",
    refused: [...above, "vault.ts", "store/store.ts", "oauth/protocol.ts", "node:fs", "node:http", "pg"],
    allowed: ["crypto/keyring.ts", "core/secret.ts", "local/small-file.ts", "node:crypto"],
  },
  {
    file: "local/small-file.ts",
    refused: [...above, ...under, "vault.ts", "node:http", "pg"],
    allowed: ["local/small-file.ts", "node:fs"],
  },
  {
    file: "store/store.ts",
    refused: [...above, "core/secret.ts", "crypto/keyring.ts", "store/sql/sql.ts", "node:fs"],
    allowed: ["store/new-grant.ts", "core/take-over.ts"],
  },
  {
    file: "store/sql/grants.ts",
    refused: [...above, "core/secret.ts", "crypto/keyring.ts", "store/sqlite/index.ts", "node:sqlite", "pg"],
    allowed: ["store/sql/sql.ts", "store/store.ts", "core/grant.ts", "node:fs"],
  },
  {
    file: "store/sqlite/database.ts",
    refused: [...above, "core/secret.ts", "crypto/keyring.ts", "store/postgres/index.ts", "store/suite/index.ts"],
    allowed: ["store/sqlite/failure.ts", "store/store.ts", "store/sql/sql.ts", "core/errors.ts", "node:sqlite"],
  },
  {
    file: "store/postgres/database.ts",
    refused: [...above, "core/secret.ts", "crypto/keyring.ts", "store/sqlite/index.ts", "store/suite/index.ts"],
    allowed: ["store/postgres/failure.ts", "store/store.ts", "store/sql/sql.ts", "core/errors.ts", "pg"],
  },
  {
    file: "store/suite/grants.ts",
    refused: [...above, "core/secret.ts", "crypto/keyring.ts", "store/sqlite/index.ts", "store/sql/sql.ts", "pg"],
    allowed: ["store/suite/rows.ts", "store/store.ts", "core/errors.ts", "node:test", "node:assert/strict"],
  },
  {
    file: "vault/context.ts",
    refused: [
      ...above,
      ...insideTheKeeper,
      ...besideTheKeeper,
      "vault/keeper/keeper.ts",
      "vault/grants/find-grant.ts",
      "vault/open/open-context.ts",
    ],
    allowed: [...under, "vault/events.ts", "vault/errors/client-misconfigured.ts"],
  },
  {
    file: "vault/errors/reauthorization-required.ts",
    refused: [...above, "vault/context.ts", "vault/grants/find-grant.ts", "store/store.ts"],
    allowed: ["core/errors.ts"],
  },
  {
    file: "vault/open/open-context.ts",
    refused: [
      ...above,
      ...insideTheKeeper,
      ...besideTheKeeper,
      "vault/keeper/keeper.ts",
      "vault/grants/sealed-grant.ts",
    ],
    allowed: [
      ...under,
      "outbound/outbound-fetch.ts",
      "vault/open/open-keyring.ts",
      "vault/context.ts",
      "vault/errors/code-rejected.ts",
      "node:fs",
    ],
  },
  {
    file: "vault/grants/find-grant.ts",
    refused: [
      ...above,
      ...insideTheKeeper,
      ...besideTheKeeper,
      "vault/keeper/keeper.ts",
      "vault/open/open-context.ts",
      "node:fs",
    ],
    allowed: [...under, "vault/grants/sealed-grant.ts", "vault/context.ts", "vault/events.ts", "node:crypto"],
  },
  {
    file: "vault/tokens/token-cache.ts",
    refused: [
      ...above,
      ...insideTheKeeper,
      "vault.ts",
      "vault/keeper/open-keeper.ts",
      "vault/open/open-context.ts",
      "vault/http/callers.ts",
      "node:fs",
    ],
    allowed: [
      ...under,
      "vault/tokens/token-cache.ts",
      "vault/context.ts",
      "vault/grants/find-grant.ts",
      "vault/keeper/keeper.ts",
      "vault/keeper/codes/code-request.ts",
    ],
  },
  {
    file: "vault/http/connect/pages/confirm-page.ts",
    refused: [
      ...above,
      ...insideTheKeeper,
      "vault.ts",
      "vault/context.ts",
      "vault/http/callers.ts",
      "vault/keeper/keeper.ts",
      "core/errors.ts",
      "store/store.ts",
      "node:fs",
    ],
    allowed: ["vault/http/connect/pages/html.ts", "vault/http/connect/pages/languages/language.ts", "node:crypto"],
  },
  {
    file: "vault/http/callers.ts",
    refused: [
      ...above,
      ...insideTheKeeper,
      "vault.ts",
      "vault/keeper/open-keeper.ts",
      "vault/open/open-context.ts",
      "vault/tokens/token-source.ts",
      "node:http",
      "hono",
    ],
    allowed: [
      ...under,
      "vault/http/request-body.ts",
      "vault/context.ts",
      "vault/grants/find-grant.ts",
      "jose",
      "vault/keeper/keeper.ts",
      "vault/keeper/codes/code-request.ts",
    ],
  },
  {
    file: "vault/keeper/keeper.ts",
    refused: [...above, ...insideTheKeeper, "vault/keeper/codes/code-request.ts", "vault/context.ts", "node:crypto"],
    allowed: ["core/secret.ts"],
  },
  // One has a name that ends in `keeper.ts`, which a careless glob would take for the file above.
  ...["vault/keeper/upkeep.ts", "vault/keeper/open-keeper.ts"].map((file) => ({
    file,
    refused: [...above, ...besideTheKeeper, "node:fs"],
    allowed: [
      ...under,
      ...insideTheKeeper,
      "vault/keeper/keeper.ts",
      "vault/periodic.ts",
      "vault/grants/sealed-grant.ts",
      "vault/open/open-context.ts",
    ],
  })),
  {
    file: "vault/keeper/gate/gate.ts",
    refused: [
      ...above,
      ...besideTheKeeper,
      "vault/keeper/sealed-tokens.ts",
      "vault/keeper/context.ts",
      "vault/keeper/refresh/refresh-grant.ts",
      "vault/grants/find-grant.ts",
      "store/store.ts",
      "oauth/protocol.ts",
    ],
    allowed: ["vault/keeper/gate/permit.ts", "vault/keeper/keeper.ts", "core/breaker.ts"],
  },
  ...[
    { file: "vault/keeper/codes/intake.ts", others: ["refresh/refresh-grant.ts", "revoke/revoke-grant.ts"] },
    { file: "vault/keeper/refresh/refresh-grant.ts", others: ["codes/intake.ts", "revoke/revoke-grant.ts"] },
    { file: "vault/keeper/revoke/revoke-grant.ts", others: ["codes/intake.ts", "refresh/refresh-grant.ts"] },
  ].map(({ file, others }) => ({
    file,
    refused: [
      ...above,
      ...besideTheKeeper,
      ...others.map((other) => `vault/keeper/${other}`),
      "vault/keeper/local-keeper.ts",
      "vault/keeper/open-keeper.ts",
      "vault/open/open-context.ts",
    ],
    allowed: [
      ...under,
      "vault/keeper/keeper.ts",
      "vault/keeper/context.ts",
      "vault/keeper/sealed-tokens.ts",
      "vault/keeper/gate/gate.ts",
      "vault/grants/sealed-grant.ts",
      "vault/events.ts",
    ],
  })),
  ...["client.ts", "start.ts"].map((name) => ({
    file: `keeper-process/${name}`,
    refused: [
      ...above,
      ...insideTheKeeper,
      ...besideTheKeeper,
      "vault/keeper/open-keeper.ts",
      "keeper-process/child/work-for-parent.ts",
      "crypto/keyring.ts",
      "store/sqlite/index.ts",
      "oauth/protocol.ts",
    ],
    allowed: ["core/errors.ts", "keeper-process/messages.ts", "vault/keeper/keeper.ts", "node:child_process"],
  })),
  {
    file: "keeper-process/child/work-for-parent.ts",
    refused: [...above, ...insideTheKeeper, ...besideTheKeeper, "keeper-process/client.ts", "keeper-process/start.ts"],
    allowed: [
      "core/errors.ts",
      "keeper-process/messages.ts",
      "keeper-process/child/open-described.ts",
      "vault/keeper/keeper.ts",
      "vault/keeper/open-keeper.ts",
      "store/sqlite/index.ts",
    ],
  },
  { file: "vault/keeper/revoke/suspect.ts", refused: [], allowed: ["vault/keeper/late-answers.ts"] },
  ...["vault.ts", "index.ts"].map((file) => ({
    file,
    refused: [...above, ...insideTheKeeper, "keeper-process/child/open-described.ts"].filter(
      (target) => target !== file,
    ),
    allowed: [
      ...under,
      "vault/http/authcode-handler.ts",
      "vault/tokens/token-cache.ts",
      "vault/keeper/keeper.ts",
      "vault/keeper/open-keeper.ts",
      "vault/keeper/codes/code-request.ts",
    ],
  })),
  {
    file: "client/client.ts",
    refused: [
      ...behindTheIndex,
      "store/sqlite/index.ts",
      "vault/http/request-body.ts",
      "vault/keeper/keeper.ts",
      "service/log.ts",
      "cli/main.ts",
      "outbound/outbound-fetch.ts",
      "hono",
      "jose",
      "node:http",
    ],
    allowed: ["index.ts", "core/errors.ts", "outbound/user-agent.ts", "vault/tokens/token-cache.ts"],
  },
  ...["service/run.ts", "service/http/app.ts", "service/keeper/start-keeper.ts"].map((file) => ({
    file,
    refused: [...behindTheIndex, "cli/main.ts", "demo/start.ts", "standin/index.ts"],
    allowed: [...publicInterface, "service/log.ts", "hono", "node:http"],
  })),
  { file: "cli/program.ts", refused: [], allowed: ["cli/standin/command.ts"] },
  ...["cli/open-vault.ts", "cli/serve/command.ts", "demo/start.ts"].map((file) => ({
    file,
    refused: [...behindTheIndex, "standin/start-standin.ts", "standin/google/state/clients.ts"],
    allowed: [...publicInterface, "standin/index.ts", "service/settings/config.ts", "node:fs", "commander"],
  })),
  ...["standin/start-standin.ts", "standin/mcp/tools.ts", "standin/google/drive/drive-requests.ts"].map((file) => ({
    file,
    refused: ["vault.ts", "core/errors.ts", "oauth/protocol.ts", "index.ts", "browser/index.ts", "onbehalf", "jose"],
    allowed: ["standin/request-handler.ts", "standin/http/messages.ts", "node:http", "node:stream/promises"],
  })),
  {
    file: "dashboard/ask.ts",
    refused: ["vault.ts", "core/errors.ts", "index.ts", "standin/index.ts", "onbehalf", "jose", "node:http"],
    allowed: ["dashboard/words.ts", "preact", "preact/hooks"],
  },
  {
    file: "browser/index.ts",
    refused: ["core/errors.ts", "standin/index.ts", "index.ts", "onbehalf", "jose", "node:crypto"],
    allowed: ["browser/sign-in.ts"],
  },
  {
    file: "node/to-node.ts",
    refused: [
      ...above,
      ...under.filter((file) => !file.startsWith("core/")),
      "vault.ts",
      "core/secret.ts",
      "node:fs",
      "jose",
      "hono",
    ],
    allowed: ["node/web-request.ts", "core/problem.ts", "node:http", "node:stream/promises", "@hono/node-server"],
  },
];

/** The same for what a file may touch without importing it. */
export const touches: readonly Layer[] = [
  {
    file: "core/take-over.ts",
    refused: ["process.pid", "fetch", "Date.now()", "Math.random()", "console.log(1)"],
    allowed: ["Math.floor(1)"],
  },
  { file: "core/clock.ts", refused: ["process.pid"], allowed: ["Date.now()"] },
  ...[
    "providers/oidc.ts",
    "oauth/jwks.ts",
    "crypto/keyring.ts",
    "store/sql/sql.ts",
    "vault.ts",
    "vault/tokens/token-source.ts",
    "vault/keeper/refresh/begin-attempt.ts",
    "node/to-node.ts",
    "service/http/server.ts",
    "client/http.ts",
    "standin/answering.ts",
    "browser/redirect.ts",
  ].map((file) => ({
    file,
    refused: ["Date.now()", "Math.random()", "process.env.HOME", "console.log(1)"],
    allowed: ["process.pid", "Math.floor(1)"],
  })),
  ...["service/settings/config.ts", "outbound/proxy-agents.ts"].map((file) => ({
    file,
    refused: ["Date.now()", "Math.random()", "console.log(1)"],
    allowed: ["process.env.HOME"],
  })),
  { file: "cli/flags.ts", refused: [], allowed: ["process.env.HOME", "console.log(1)"] },
];
