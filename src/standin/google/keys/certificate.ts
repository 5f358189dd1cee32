import { sign } from "node:crypto";
import type { KeyObject } from "node:crypto";

/**
 * Self-signed X.509 certificates, as the older key endpoint publishes them: enough DER (ITU-T X.690) for one RSA key,
 * one name and two dates, so that no certificate library is needed for it.
 */

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const length: number[] = [];
  for (let left = content.length; left > 0; left >>= 8) length.unshift(left & 0xff);
  // Lengths below 128 are one byte; longer ones are preceded by how many bytes they take.
  const head = content.length < 0x80 ? [content.length] : [0x80 | length.length, ...length];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, ...parts);
}

function set(...parts: readonly Uint8Array[]): Buffer {
  return der(0x31, ...parts);
}

function integer(bytes: readonly number[]): Buffer {
  return der(0x02, Uint8Array.from(bytes));
}

function bitString(bytes: Uint8Array): Buffer {
  return der(0x03, Buffer.from([0]), bytes);
}

function objectId(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function utf8(value: string): Buffer {
  return der(0x0c, Buffer.from(value));
}

/** RFC 5280 section 4.1.2.5: two-digit years until 2049, four digits after. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return digits < "2050" ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}

const sha256WithRsa = sequence(objectId("2a864886f70d01010b"), der(0x05));
const commonName = objectId("550403");

export interface CertificateRequest {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Eight bytes of serial number. */
  readonly serial: Uint8Array;
}

/** A PEM certificate that the key signed for itself. RFC 5280 section 4.1. */
export function selfSigned(request: CertificateRequest): string {
  const name = sequence(set(sequence(commonName, utf8(request.name))));
  const version3 = der(0xa0, integer([2]));
  // A first byte from 1 to 127 keeps the serial number positive and free of leading zeros.
  const serial = integer([((request.serial[0] ?? 0) & 0x3f) | 0x40, ...request.serial.subarray(1)]);
  const validity = sequence(time(request.notBefore), time(request.notAfter));
  const key = request.publicKey.export({ format: "der", type: "spki" });
  const body = sequence(version3, serial, sha256WithRsa, name, validity, name, key);
  const signature = sign("sha256", body, request.privateKey);
  return pem(sequence(body, sha256WithRsa, bitString(signature)));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
