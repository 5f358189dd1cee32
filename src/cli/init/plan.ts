import { join, resolve } from "node:path";
import { parseClientSecretJson } from "../../index.ts";
import type { Permission } from "../../index.ts";
import { defined } from "../../core/defined.ts";
import { configurationInvalid } from "../../core/errors.ts";
import { shownPath, shownText } from "../../core/secret-likeness.ts";
import { readSmallFile } from "../../local/small-file.ts";
import type { Settings } from "../../service/settings/config.ts";
import { defaultClientId, defaultClientSecret } from "../../standin/index.ts";
import { permissions } from "../../vault/http/callers.ts";
import { UsageError } from "../terminal/usage-error.ts";
import type { InitFlags } from "./init-flags.ts";

/** What will be written, and where. Nothing is written yet. */
export interface Plan {
  readonly folder: string;
  readonly files: Files;
  readonly settings: Settings;
  /** The text of the client's file. */
  readonly client: string;
  readonly caller: string;
  readonly allow: readonly Permission[];
  /** Where the stand-in is expected that is used in Google's place. */
  readonly standin?: string;
}

/** Paths in full: the service may be started in another folder. */
export interface Files {
  readonly settings: string;
  readonly key: string;
  readonly caller: string;
  /** Only where it is written: the stand-in's. */
  readonly client?: string;
  /** Only where the store is a new file beside the others. */
  readonly store?: string;
}

/** The stand-in's usual address. */
export const standinUrl = "http://127.0.0.1:4600";

const standinClient = JSON.stringify({ web: { client_id: defaultClientId, client_secret: defaultClientSecret } });

/**
 * @throws {UsageError} a flag has a value that cannot be
 * @throws {OnbehalfError} `configuration_invalid`: the client's file cannot be used
 */
export function planOf(flags: InitFlags): Plan {
  const folder = resolve(flags.dir ?? ".");
  const caller = flags.caller ?? "app";
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(caller)) {
    throw new UsageError(
      `--caller ${shownText(caller)}: this is no name of a caller`,
      "use 1 to 64 letters, digits, and . _ -",
    );
  }
  const standin = flags.standin === true ? standinUrl : flags.standin;
  const files = defined({
    settings: join(folder, "onbehalf.env"),
    key: join(folder, "master.key"),
    caller: join(folder, `${caller}.key`),
    client: standin === undefined ? undefined : join(folder, "client_secret.json"),
    store: flags.store === undefined ? join(folder, "onbehalf.db") : undefined,
  });
  const { clientSecretFile = "", publicUrl, origin, port } = flags;
  const settings = defined({
    store: files.store === undefined ? storeUrl(flags.store ?? "") : `sqlite:${files.store}`,
    keyFile: files.key,
    clientSecretFile: files.client ?? resolve(clientSecretFile),
    googleBaseUrl: standin,
    publicUrl,
    allowedOrigins: origin,
    port: port === undefined ? undefined : String(port),
  });
  return defined({
    folder,
    files,
    settings,
    client: standin === undefined ? clientText(clientSecretFile) : standinClient,
    caller,
    allow: permissionsIn(flags.allow ?? "token,grants:read"),
    standin,
  });
}

/** A path in a store's URL in full, as the others are. */
function storeUrl(url: string): string {
  const path = /^sqlite:(?!\/\/)(.+)$/.exec(url)?.[1];
  return path === undefined || path === ":memory:" ? url : `sqlite:${resolve(path)}`;
}

/** The client file's text, once it is sure that it can work. */
function clientText(path: string): string {
  const read = readSmallFile(path);
  if ("problem" in read) {
    throw configurationInvalid(
      `the client file ${shownPath(path)} ${read.problem}`,
      "download the web client's JSON in the Cloud console; or go on without Google for now: onbehalf init --standin",
      read.cause,
    );
  }
  parseClientSecretJson(read.text, shownPath(path));
  return read.text;
}

function permissionsIn(list: string): Permission[] {
  return list.split(",").map((each) => {
    const permission = permissions.find((known) => known === each.trim());
    if (permission !== undefined) return permission;
    throw new UsageError(`--allow ${shownText(each)}: there is no such permission`, `use ${permissions.join(", ")}`);
  });
}
