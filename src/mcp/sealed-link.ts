/**
 * What a link of an elicitation says: for whom it was made and what is to be connected, sealed, so that every process with the
 * same secret can read it, and the client and its model cannot. Who may use it is not decided here.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
} from "node:crypto";
import type { KeyObject } from "node:crypto";

/** What one link is for. */
export interface LinkContent {
  /** Names the elicitation. Random. */
  readonly id: string;
  /** The app's user id of the person for whom it was made. */
  readonly externalId: string;
  readonly provider?: string;
  readonly account?: string;
  readonly scopes?: readonly string[];
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
}

const nonceBytes = 12;
const tagBytes = 16;
/** A link with fifty long scopes is shorter. */
const longestLink = 8_192;

/** Seals and opens links. */
export class LinkSealer {
  readonly #key: KeyObject;
  readonly #verifierKey: KeyObject;

  /** @param secret 32 characters or more, which nobody can guess */
  constructor(secret: string) {
    const derived = (info: string): KeyObject =>
      createSecretKey(Buffer.from(hkdfSync("sha256", secret, "", `onbehalf mcp ${info}`, 32)));
    this.#key = derived("link");
    this.#verifierKey = derived("verifier");
  }

  /** The last segment of the link's path. */
  seal(content: LinkContent): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    const sealed = Buffer.concat([cipher.update(JSON.stringify(content), "utf8"), cipher.final()]);
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString("base64url");
  }

  /** What a segment says; undefined where nobody with this secret has sealed it. */
  open(segment: string): LinkContent | undefined {
    if (segment.length > longestLink || !/^[A-Za-z0-9_-]+$/.test(segment)) return undefined;
    const bytes = Buffer.from(segment, "base64url");
    // The unused bits of a last character could be anything: two spellings of one link would be two links.
    if (bytes.length <= nonceBytes + tagBytes || bytes.toString("base64url") !== segment) return undefined;
    const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, nonceBytes));
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    try {
      const text = Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
      return JSON.parse(text.toString("utf8")) as LinkContent;
    } catch {
      return undefined;
    }
  }

  /**
   * The verifier of the connect links that are made for an elicitation. Whoever has the elicitation's link cannot know it, and
   * each process with the same secret can.
   *
   * @see https://www.rfc-editor.org/rfc/rfc7636#section-4.1
   */
  verifier({ id }: LinkContent): string {
    return createHmac("sha256", this.#verifierKey).update(id).digest("base64url");
  }

  /** The S256 challenge of {@link verifier}. @see https://www.rfc-editor.org/rfc/rfc7636#section-4.2 */
  challenge(content: LinkContent): string {
    return createHash("sha256").update(this.verifier(content)).digest("base64url");
  }
}
