/**
 * Secrets that are made to be found: each has the shape of its kind and a marker in it, several times over, so that one
 * search finds every one of them, also a part of one.
 */
import { secretEncodings } from "./secret-encodings.ts";

/** Comes by chance nowhere. Letters and digits alone, so that it may stand in any kind of secret but a hexadecimal one. */
const marker = "PlantedQ7x";
/** The same for secrets of hexadecimal digits. */
const hexMarker = "5ec2e75ec2e75ec2e7a7";

const body = (serial: number): string => `${marker}${serial}${marker}${marker}`;
const hex = (serial: number, length: number): string =>
  `${serial.toString(16).padStart(8, "0")}${hexMarker.repeat(4)}`.slice(0, length);

/** A secret of each kind. */
const kinds = {
  code: (n: number) => `4/0A${body(n)}`,
  codeVerifier: (n: number) => `${body(n)}${marker}`.padEnd(43, "~").slice(0, 128),
  refreshToken: (n: number) => `1//0${body(n)}`,
  accessToken: (n: number) => `ya29.${body(n)}`,
  idToken: (n: number) => `eyJ${body(n)}.eyJ${body(n)}.${body(n)}`,
  clientSecret: (n: number) => `GOCSPX-${body(n)}`,
  callerKey: (n: number) => `obk_${hex(n, 16)}_${hex(n, 64)}_${hex(n, 8)}`,
  ticket: (n: number) => `obt_${hex(n, 64)}_${hex(n, 8)}`,
  masterKey: (n: number) => `obm_${body(n).padEnd(43, "0").slice(0, 43)}_${hex(n, 8)}`,
  password: (n: number) => `pw${body(n)}`,
  email: (n: number) => `${body(n)}@example.com`,
  name: (n: number) => `Ada ${body(n)}`,
  opaque: (n: number) => body(n),
} as const satisfies Record<string, (serial: number) => string>;

export type SecretKind = keyof typeof kinds;
export const secretKinds = Object.keys(kinds) as SecretKind[];

/** Makes secrets and counts them. */
export class SecretPlanter {
  #planted = 0;

  get planted(): number {
    return this.#planted;
  }

  plant(kind: SecretKind): string {
    this.#planted += 1;
    return kinds[kind](this.#planted);
  }
}

const forms = [marker, hexMarker].flatMap(secretEncodings);

/** @returns in which form a planted secret stands in bytes, and what stands around it; undefined where none does */
export function findPlanted(bytes: Buffer | string): string | undefined {
  const haystack = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
  for (const [form, needle] of forms) {
    const at = haystack.indexOf(needle);
    if (at >= 0) return `${form}: …${haystack.toString("latin1", Math.max(0, at - 200), at + 100)}…`;
  }
  return undefined;
}
