/**
 * Starts the keeper's process of an app: for {@link openVault} with `keeper: "process"`. What that process does does not
 * belong here.
 */
import { isSea } from "node:sea";
import { pathToFileURL } from "node:url";
import { configurationInvalid, configurationProblems } from "../core/errors.ts";
import { openTelemetrySpans } from "../core/spans/opentelemetry.ts";
import { masterKeyTextsOf } from "../crypto/master-key.ts";
import { userAgent } from "../outbound/user-agent.ts";
import { unthrowing, warn } from "../vault/context.ts";
import { optionProblems } from "../vault/open/option-problems.ts";
import { startKeeperProcess } from "./client.ts";
import type { KeeperClient } from "./program.ts";
import { closedToDebuggers } from "./closed-to-debuggers.ts";
import { flagsForKeeper, variablesForKeeper } from "./node-flags.ts";
import { openingOf } from "./opening.ts";
import type { KeeperProcessOptions, Opening } from "./opening.ts";
import { keeperMemoryFlags, smallMemoryVariables } from "./small-memory.ts";
import type { KeeperHints } from "./unavailable.ts";

/**
 * Starts a keeper in a process of its own, as the options of a vault describe it, and keeps one running.
 *
 * @param program the file of its program; by default the one that stands beside this module
 * @throws {OnbehalfError} `configuration_invalid`: an option is wrong, or cannot be given to another process;
 *   `details.problems` lists all of them. Or this module is part of a bundle, and no program was given
 * @throws {OnbehalfError} `key_invalid`, `store_unavailable`, `store_unusable`: as `openVault`
 * @throws {OnbehalfError} `keeper_unavailable`: its process could not be started, or ended before it said why
 */
export async function startOwnKeeper(options: KeeperProcessOptions, program?: string | URL): Promise<KeeperClient> {
  const problems = optionProblems(options);
  const opening = problems.length > 0 ? { problems } : openingOf(options);
  if ("problems" in opening) {
    throw configurationProblems(
      opening.problems.map(({ problem }) => problem),
      opening.problems[0]?.hint ?? "",
    );
  }
  const { keyring: source, telemetry } = options;
  // Relative paths among the options mean the same for each keeper, also after the app has gone to another folder.
  const cwd = process.cwd();
  return startKeeperProcess<Opening>(
    {
      file: programFile(program),
      opening,
      execArgv: flags(),
      environment,
      cwd,
      ...(source === undefined ? {} : { masterKeys: () => masterKeyTextsOf(source) }),
      ...(telemetry === undefined ? {} : { spans: openTelemetrySpans(telemetry, userAgent) }),
      stderr: "forward",
      hints,
    },
    unthrowing(options.onEvent ?? (() => undefined), "onEvent"),
    unthrowing(options.onFault ?? warn, "onFault"),
  );
}

const hints: KeeperHints = {
  start:
    "look at the lines before this one, at the memory that is left, and at the limit of processes; " +
    'keeper: "in-process" does without a process',
  wait: "try again shortly: another keeper is started, and valid tokens are handed out meanwhile; if this lasts, look at what onFault was told",
};

function flags(): string[] {
  // oxlint-disable-next-line eslint/no-restricted-properties -- what an operator has said of the young space comes first
  const own = keeperMemoryFlags(flagsForKeeper(process.execArgv), process.env["NODE_OPTIONS"]);
  return [...new Set([...own, ...closedToDebuggers])];
}

/** That of this process, in which the keeper finds proxies, certificates, and where an app names one, its master key. */
function environment(): NodeJS.ProcessEnv {
  // oxlint-disable-next-line eslint/no-restricted-properties -- it is passed on, and nothing in it is looked at
  const { NODE_TEST_CONTEXT: _runner, NODE_V8_COVERAGE: _coverage, ...own } = process.env;
  return smallMemoryVariables(variablesForKeeper(own));
}

/**
 * In a bundle this module stands elsewhere, and the file of the program's name beside it would be the app's own, if any: it
 * must not be run, and get the client's secret.
 */
function programFile(given: string | URL | undefined): URL {
  if (isSea()) {
    throw configurationInvalid(
      "this program is a single executable, which starts itself where it means to start Node",
      'open the vault with keeper: "in-process", or run the program with Node',
    );
  }
  if (given !== undefined) return URL.canParse(given) ? new URL(given) : pathToFileURL(String(given));
  const extension = /\/keeper-process\/start\.(ts|js)$/.exec(import.meta.url)?.[1];
  if (extension !== undefined) return new URL(`child/process.${extension}`, import.meta.url);
  throw configurationInvalid(
    "onbehalf is part of a bundle, and the program of its keeper's process is not",
    "leave onbehalf out of the bundle, as with esbuild --external:onbehalf; or bundle onbehalf/keeper-process as a file " +
      "of its own, and give that file as keeperProgram",
  );
}
