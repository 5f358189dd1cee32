import { createHash, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { OnbehalfError } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";

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
  // oxlint-disable-next-line eslint/no-restricted-properties -- the app names the variable; to read it is all this does
  environment: Readonly<Record<string, string | undefined>> = process.env,
): MasterKeySource {
  return () => splitKeys(environment[name] ?? "", `environment variable ${name}`);
}

/**
 * Master keys from a file, newest first, one on each line. The file is read when a vault is opened; that fails with
 * `key_invalid` where it cannot be read, or holds no key or a malformed one.
 *
 * @param path the file's path; let nobody but the process's own user read it
 */
export function keyringFromFile(path: string): MasterKeySource {
  return () => {
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (cause) {
      throw new OnbehalfError("key_invalid", `the key file ${path} cannot be read`, {
        hint: "make one with: onbehalf keys generate > FILE, readable by this user alone",
        details: {},
        cause,
      });
    }
    return splitKeys(text, path);
  };
}

/**
 * Master keys that the program already holds. A malformed one makes the opening of a vault fail with `key_invalid`.
 *
 * @param keys newest first
 */
export function keyringFromKeys(...keys: (Secret | string)[]): MasterKeySource {
  return () => keys.map((key) => (typeof key === "string" ? new Secret(key) : key));
}

function splitKeys(text: string, origin: string): Secret[] {
  const keys = text.split(/[\s,]+/).filter((each) => each !== "");
  if (keys.length === 0) {
    throw new OnbehalfError("key_invalid", `there is no master key in ${origin}`, {
      hint: "make one with: onbehalf keys generate, and keep a copy apart from the database",
      details: {},
    });
  }
  return keys.map((key) => new Secret(key));
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
  const match = form.exec(text.expose());
  const body = match?.[1] ?? "";
  const given = Buffer.from(match?.[2] ?? "");
  const expected = Buffer.from(checksum(body));
  if (match === null || given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new OnbehalfError("key_invalid", "the master key is malformed or a damaged copy", {
      hint: "a key looks like obm_…_…, 56 characters; copy it whole, or make one with: onbehalf keys generate",
      details: {},
    });
  }
  const bytes = Buffer.from(body, "base64url");
  const derive = (purpose: string): Buffer => Buffer.from(hkdfSync("sha256", bytes, "", `onbehalf/1/${purpose}`, 32));
  return {
    id: derive("id").subarray(0, 8).toString("hex"),
    wrappingKey: (dataKeyClass) => derive(`wrap/${dataKeyClass}`),
  };
}

/** At least one, newest first. */
export type MasterKeys = readonly [MasterKey, ...MasterKey[]];

/**
 * Every master key that a source gives, newest first.
 *
 * @throws {OnbehalfError} `key_invalid`: the source gives no key, or a malformed one
 * @throws what the source throws
 */
export async function masterKeysOf(source: MasterKeySource): Promise<MasterKeys> {
  const [newest, ...older] = (await source()).map(parseMasterKey);
  if (newest !== undefined) return [newest, ...older];
  throw new OnbehalfError("key_invalid", "no master key was given", {
    hint: "make one with: onbehalf keys generate, and keep a copy apart from the database",
    details: {},
  });
}

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
