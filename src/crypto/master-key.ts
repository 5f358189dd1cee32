import { createHash, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { assertFits, filledText, kindOf, required } from "../core/argument-checks.ts";
import { OnbehalfError, configurationInvalid } from "../core/errors.ts";
import { shownPath } from "../core/secret-likeness.ts";
import { Secret } from "../core/secret.ts";
import { flawInCopy } from "../core/verbatim.ts";
import type { Flaw } from "../core/verbatim.ts";
import { readSmallFile } from "../local/small-file.ts";
import { describeSource } from "./key-source.ts";

/**
 * Gives the master keys when a vault or keeper is opened, newest first. The first one wraps new data keys; the others
 * only unwrap what an earlier one has wrapped. An adapter of a key management service is another function of this
 * shape.
 */
export type MasterKeySource = () => Secret[] | Promise<Secret[]>;

const form = /^obm_([A-Za-z0-9_-]{43})_([0-9a-f]{8})$/;

/**
 * Makes a new master key, as text: 256 random bits, and a checksum that shows when a copy was cut or mistyped. Keep a
 * copy apart from the database: without the key no grant can be opened.
 */
export function generateMasterKey(): Secret {
  const body = randomBytes(32).toString("base64url");
  return new Secret(`obm_${body}_${checksum(body)}`);
}

/**
 * Master keys from an environment variable, newest first, separated by commas or white space. The variable is read when
 * a vault is opened; that fails with `key_invalid` where it holds no key or a malformed one.
 *
 * @param name the variable's name
 * @param environment where to look; the environment of this process by default
 */
export function keyringFromEnv(
  name: string,
  environment?: Readonly<Record<string, string | undefined>>,
): MasterKeySource {
  const source: MasterKeySource = () => {
    assertFits("name", name, required(filledText));
    // oxlint-disable-next-line eslint/no-restricted-properties -- the app names the variable; to read it is all this does
    const variables = (environment === undefined ? process.env : environment) as typeof environment | null;
    return splitKeys(variables?.[name] ?? "", `environment variable ${name}`);
  };
  // Variables that were put together by hand are known to this process alone.
  return environment === undefined ? describeSource(source, { from: "environment", name }) : source;
}

/**
 * Master keys from a file, newest first, one on each line. The file is read when a vault is opened; that fails with
 * `key_invalid` where it cannot be read, or holds no key or a malformed one.
 *
 * @param path the file's path; let nobody but the process's own user read it
 */
export function keyringFromFile(path: string): MasterKeySource {
  const source: MasterKeySource = () => {
    assertFits("path", path, required(filledText));
    const read = readSmallFile(path);
    const shown = shownPath(path);
    if ("problem" in read) {
      throw new OnbehalfError("key_invalid", `the key file ${shown} ${read.problem}`, {
        hint: read.hint ?? "make one with: onbehalf keys generate > FILE, readable by this user alone",
        details: {},
        // The system's error repeats the path. Somebody may have given the key in its place.
        ...(read.cause === undefined || shown !== path ? {} : { cause: read.cause }),
      });
    }
    return splitKeys(read.text, `the key file ${shown}`);
  };
  return describeSource(source, { from: "file", path });
}

/**
 * Master keys that the program already holds. A malformed one makes the opening of a vault fail with `key_invalid`.
 *
 * @param keys newest first
 */
export function keyringFromKeys(...keys: (Secret | string)[]): MasterKeySource {
  return () => keys.map((key) => Secret.of(key));
}

/** Says where a key stands that has quotes around it, or something in its place. */
function splitKeys(text: string, origin: string): Secret[] {
  const keys = text.split(/[\s,]+/).filter((each) => each !== "");
  const bad = keys.find((key) => flawOfKey(key) !== undefined);
  if (bad !== undefined) throw malformed(bad, `, in ${origin}`);
  if (keys.length === 0) {
    throw new OnbehalfError("key_invalid", `there is no master key in ${origin}`, {
      hint: "make one with: onbehalf keys generate, and keep a copy apart from the database",
      details: {},
    });
  }
  return keys.map((key) => new Secret(key));
}

/**
 * The keys that a text holds, each of them whole.
 *
 * @param origin where the text came from, for the message
 * @throws {OnbehalfError} `key_invalid`: there is none, or one is malformed
 */
export function wholeKeys(text: string, origin: string): Secret[] {
  const keys = splitKeys(text, origin);
  const bad = keys.find((key) => !isWhole(key.expose()));
  if (bad !== undefined) throw malformed(bad.expose(), `, in ${origin}`);
  return keys;
}

/** A master key. It encrypts nothing itself: only wrapping keys and its public name are derived from it. */
export interface MasterKey {
  /** 16 hex digits that name the key. The key cannot be computed from them. */
  readonly id: string;
  /** The key that wraps the data keys of one class. The wrapping key of another class cannot be computed from it. */
  wrappingKey(dataKeyClass: string): Buffer;
}

/**
 * Reads a master key.
 *
 * @throws {OnbehalfError} `key_invalid`: not a master key, or a damaged copy of one
 * @see https://www.rfc-editor.org/rfc/rfc5869
 */
export function parseMasterKey(text: Secret): MasterKey {
  const key: unknown = text instanceof Secret ? text.expose() : text;
  if (typeof key !== "string" || !isWhole(key)) throw malformed(key);
  const bytes = Buffer.from(form.exec(key)?.[1] ?? "", "base64url");
  const derive = (purpose: string): Buffer => Buffer.from(hkdfSync("sha256", bytes, "", `onbehalf/1/${purpose}`, 32));
  return {
    id: derive("id").subarray(0, 8).toString("hex"),
    wrappingKey: (dataKeyClass) => derive(`wrap/${dataKeyClass}`),
  };
}

/** Whether a text is a master key, all of it and nothing else. */
function isWhole(text: string): boolean {
  const match = form.exec(text);
  const given = Buffer.from(match?.[2] ?? "");
  const expected = Buffer.from(checksum(match?.[1] ?? ""));
  return match !== null && given.length === expected.length && timingSafeEqual(given, expected);
}

/** @param where such as ", in the key file k.txt"; the message never repeats the key */
function malformed(key: unknown, where = ""): OnbehalfError<"key_invalid"> {
  const flaw = typeof key === "string" ? flawOfKey(key) : { is: "is not a text", hint: "give the key as a string" };
  return new OnbehalfError("key_invalid", `the master key ${flaw?.is ?? "is malformed or a damaged copy"}${where}`, {
    hint:
      flaw?.hint ?? "a key looks like obm_…_…, 56 characters; copy it whole, or make one with: onbehalf keys generate",
    details: {},
  });
}

/** What stands around or in a key that would be whole otherwise, or in its place. */
function flawOfKey(key: string): Flaw | undefined {
  if (/["'`\u2018-\u201E\u00AB\u00BB]/.test(key)) {
    return { is: "stands in quotes", hint: "remove the quotes: nothing takes them away before we read the key" };
  }
  if (/\0|\uFFFD/.test(key)) {
    return { is: "is not UTF-8 text", hint: "save the file as UTF-8: PowerShell's > writes UTF-16" };
  }
  return flawInCopy(key);
}

/** At least one, newest first. */
export type MasterKeys = readonly [MasterKey, ...MasterKey[]];

/**
 * Every master key that a source gives, newest first.
 *
 * @throws {OnbehalfError} `key_invalid`: the source gives no key, or a malformed one
 * @throws {OnbehalfError} `invalid_request`: the source is no function
 * @throws {OnbehalfError} `configuration_invalid`: the source gives no list
 * @throws what the source throws
 */
export async function masterKeysOf(source: MasterKeySource): Promise<MasterKeys> {
  const [newest, ...older] = (await masterKeyTextsOf(source)).map(parseMasterKey);
  if (newest !== undefined) return [newest, ...older];
  throw new OnbehalfError("key_invalid", "no master key was given", {
    hint: "make one with: onbehalf keys generate, and keep a copy apart from the database",
    details: {},
  });
}

/** What a source gives, which may be no master keys: what must be a list is one. It throws as {@link masterKeysOf}. */
export async function masterKeyTextsOf(source: MasterKeySource): Promise<readonly Secret[]> {
  assertFits("keyring", source, aSource);
  const given: unknown = await source();
  if (!Array.isArray(given)) {
    throw configurationInvalid(
      `keyring must give a list of master keys, and gave ${kindOf(given)}`,
      "let the function return [new Secret(key)], newest first",
    );
  }
  return given as Secret[];
}

const aSource = required({
  fits: (value) => typeof value === "function",
  must: "a function that gives the master keys, such as keyringFromEnv(name)",
});

/**
 * A master key's public name: 16 hex digits, from which the key cannot be computed.
 *
 * @throws {OnbehalfError} `key_invalid`: not a master key, or a damaged copy of one
 */
export function masterKeyId(key: Secret): string {
  return parseMasterKey(key).id;
}

function checksum(body: string): string {
  return createHash("sha256").update(`obm_${body}`).digest("hex").slice(0, 8);
}
