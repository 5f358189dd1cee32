import { lstatSync } from "node:fs";
import { rename } from "node:fs/promises";
import { configurationInvalid, configurationProblems, invalidRequest, isOnbehalfError } from "../../core/errors.ts";
import { shownPath } from "../../core/secret-likeness.ts";
import type { Caller, Vault } from "../../index.ts";
import { readSmallFile } from "../../local/small-file.ts";
import { settingsFrom } from "../../service/settings/config.ts";
import { urlOf } from "../../service/settings/config-parts.ts";
import { settingsAmong } from "../flags.ts";
import { newFile } from "../new-file.ts";
import { openWithClient } from "../open-vault.ts";
import { printJson, printLines, say } from "../terminal/print.ts";
import { adcFile, whereNoFileIsRead } from "./adc-file.ts";
import { refOf } from "./ref.ts";
import type { RefFlags } from "./ref.ts";

/** The command's flags. */
export interface AdcFlags extends RefFlags {
  readonly callerKeyFile: string;
  readonly out: string;
  readonly overwrite?: true;
  readonly name: string;
  readonly scopes?: string;
  /** Milliseconds. */
  readonly expires?: number;
  readonly json?: boolean;
}

/** Makes a handle for a caller, and writes the file by which Google's libraries get tokens with it. */
export async function adc(text: string, flags: AdcFlags): Promise<void> {
  const ref = refOf(text, flags);
  const tokenUrl = tokenUrlOf(flags);
  const key = keyIn(flags.callerKeyFile);
  const { out, overwrite = false, name, scopes, expires } = flags;
  await using vault = await openWithClient(flags);
  const caller = await callerOf(vault, key, flags.callerKeyFile);
  await assertGoogles(vault, ref);
  if (overwrite) assertReplaceable(out);
  // Before the handle: one that works and is nowhere could only be ended.
  const written = overwrite ? `${out}.new` : out;
  const file = newFile(written, overwrite ? "take it away: another run left it there" : mayOverwrite);
  const made = await vault.handles
    .create(ref, {
      name,
      forCaller: caller.name,
      ...(scopes === undefined ? {} : { scopes: scopes.split(/[\s,]+/).filter((each) => each !== "") }),
      ...(expires === undefined ? {} : { expiresInSeconds: Math.ceil(expires / 1_000) }),
    })
    .catch((error: unknown) => {
      file.discard();
      throw error;
    });
  const { handle, secret } = made;
  file.write(`${JSON.stringify(adcFile({ tokenUrl, caller, key, handle: secret }), null, 2)}\n`);
  if (overwrite) await rename(written, out);
  if (flags.json === true) {
    const { handleId, grantId, expiresAt } = handle;
    const ids = { handle_id: handleId, grant_id: grantId, expires_at: expiresAt };
    printJson({ file: out, token_url: tokenUrl, caller: caller.name, ...ids });
    return;
  }
  printLines([out]);
  say(`programs with this file get tokens of ${handle.grantId} at ${tokenUrl}, as the caller ${caller.name}`);
  say(
    `they have it in GOOGLE_APPLICATION_CREDENTIALS; onbehalf grants handle revoke ${handle.grantId} ${handle.handleId} ends it`,
  );
  for (const line of whereNoFileIsRead) say(line);
}

const keyFileHint = "name the file that onbehalf callers create NAME --allow token --out FILE wrote, for this store";
const mayOverwrite = "name another file with --out, or give --overwrite; the handle in the old one goes on working";

/** @throws {OnbehalfError} `configuration_invalid` */
function tokenUrlOf(flags: AdcFlags): string {
  const settings = settingsFrom(settingsAmong(flags));
  const problems: string[] = [];
  const url = urlOf(settings, "publicUrl", problems);
  if (problems.length > 0) throw configurationProblems(problems, "correct it, or leave it out on this machine");
  const { port = "8787" } = settings;
  if (url === undefined && port === "0") {
    throw configurationInvalid(
      "nobody has said by which URL programs reach the service",
      "set ONBEHALF_PUBLIC_URL or --public-url: a port that is drawn at each start is no address",
    );
  }
  const base = url ?? `http://127.0.0.1:${port}`;
  if (url === undefined) say(`no public URL is set, so the file is for programs on this machine: ${base}`);
  return `${base.replace(/\/+$/, "")}/oauth/token`;
}

/** @throws {OnbehalfError} `configuration_invalid` */
function keyIn(path: string): string {
  const read = readSmallFile(path);
  if ("problem" in read) {
    throw configurationInvalid(`${shownPath(path)} ${read.problem}`, read.hint ?? keyFileHint, read.cause);
  }
  const key = read.text.trim();
  if (key.startsWith("obk_")) return key;
  throw configurationInvalid(`${shownPath(path)} holds no key of a caller (obk_…)`, keyFileHint);
}

/** The caller whose key a file holds. */
async function callerOf(vault: Vault, key: string, path: string): Promise<Caller> {
  try {
    return await vault.callers.authenticate(`Bearer ${key}`);
  } catch (error) {
    if (!isOnbehalfError(error, "unauthorized")) throw error;
    throw configurationInvalid(`${shownPath(path)} holds no key of a caller here, or one that has ended`, keyFileHint);
  }
}

/** @throws {OnbehalfError} `configuration_invalid`: there is something else than a file */
function assertReplaceable(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== false) return;
  throw configurationInvalid(`${shownPath(path)} is no regular file, and is not replaced`, "name a file with --out");
}

/** Google's libraries send the token that they get to Google, whoever gave it out. */
async function assertGoogles(vault: Vault, ref: Parameters<Vault["grant"]>[0]): Promise<void> {
  const { provider, issuer } = await vault.grant(ref);
  if (/^(?:https:\/\/)?accounts\.google\.com$/.test(issuer)) return;
  throw invalidRequest(
    `the grant is one of ${provider}, and Google's libraries would send its tokens to Google`,
    "make a handle with onbehalf grants handle create, and give it to a library for OAuth",
    "ref",
  );
}
