/**
 * Who is to be told of security events (Cross-Account Protection), and telling them. What an event is made of does
 * not belong here (control/risc.ts).
 */
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { isLoopback } from "../../state/loopback.ts";
import { SetDelivery } from "../../state/set-delivery.ts";
import { readJwt } from "../../http/jwt.ts";

/** What an app has asked for. */
export interface StreamConfiguration {
  readonly url: string;
  readonly eventsRequested: readonly string[];
}

/** A service account's key file, as Google's console offers it for download. */
export interface ServiceAccountFile {
  readonly type: "service_account";
  readonly project_id: string;
  readonly private_key_id: string;
  readonly private_key: string;
  readonly client_email: string;
}

export const riscAudience = "https://risc.googleapis.com/google.identity.risc.v1beta.RiscManagementService";

/** The stream of events to one receiver, and the one service account that may look after it. */
export class RiscStream {
  #configuration: StreamConfiguration | undefined;
  #status: "enabled" | "disabled" = "enabled";
  #account: { readonly file: ServiceAccountFile; readonly key: KeyObject } | undefined;
  readonly #delivery = new SetDelivery();

  get configuration(): StreamConfiguration | undefined {
    return this.#configuration;
  }

  get status(): "enabled" | "disabled" {
    return this.#status;
  }

  /** @returns what is wrong with it; undefined: events go there from now on */
  configure(configuration: StreamConfiguration): string | undefined {
    // A stand-in calls nobody but programs of this machine.
    if (!isLoopback(configuration.url)) return "delivery.url must be an address of this machine";
    this.#configuration = configuration;
    return undefined;
  }

  changeStatus(status: "enabled" | "disabled"): void {
    this.#status = status;
  }

  /** The key file of the service account that may call the stream's API. Made at the first call, which takes a moment. */
  serviceAccount(): ServiceAccountFile {
    if (this.#account !== undefined) return this.#account.file;
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    const file: ServiceAccountFile = {
      type: "service_account",
      project_id: "standin",
      private_key_id: "standin-service-account",
      private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
      client_email: "risc@standin.iam.gserviceaccount.com",
    };
    this.#account = { file, key: createPublicKey(privateKey) };
    return file;
  }

  /**
   * @param now milliseconds since the epoch
   * @returns what is wrong with a bearer token; undefined: it is a self-signed one of the service account, good for an hour
   */
  flawOf(bearer: string | undefined, now: number): string | undefined {
    const jwt = bearer === undefined ? undefined : readJwt(bearer);
    if (jwt === undefined || this.#account === undefined) return "it must be a JWT that the service account has signed";
    const { header, claims, signed, signature } = jwt;
    const { client_email: email } = this.#account.file;
    if (header["alg"] !== "RS256") return "alg must be RS256";
    if (claims["iss"] !== email || claims["sub"] !== email) return "iss and sub must be the service account's address";
    if (claims["aud"] !== riscAudience) return `aud must be ${riscAudience}`;
    const [iat, exp] = [Number(claims["iat"]), Number(claims["exp"])];
    if (exp - iat !== 3_600) return "exp must be exactly one hour after iat";
    if (!(Math.abs(now / 1000 - iat) <= 3_600)) return "the token is not of this hour";
    return verify("sha256", Buffer.from(signed), this.#account.key, signature)
      ? undefined
      : "the signature is not right";
  }

  /** Delivers a token, unless nobody wants it, and again until it is taken or refused. */
  deliver(set: string): void {
    const { url } = this.#configuration ?? {};
    if (url === undefined || this.#status !== "enabled") return;
    this.#delivery.send(url, set, () => this.#configuration?.url === url);
  }

  /** Ends the tries that are to come. */
  close(): void {
    this.#delivery.close();
    this.#configuration = undefined;
  }
}
