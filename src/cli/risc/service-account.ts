import { SignJWT, importPKCS8 } from "jose";
import { configurationInvalid } from "../../core/errors.ts";
import { shownPath } from "../../core/secret-likeness.ts";
import { readSmallFile } from "../../local/small-file.ts";

const audience = "https://risc.googleapis.com/google.identity.risc.v1beta.RiscManagementService";

/**
 * A bearer token for Google's API of security events: a JWT that the service account signs itself, good for exactly an hour.
 *
 * @param path of the account's key file
 * @param now milliseconds since the epoch
 * @throws {OnbehalfError} `configuration_invalid`: the file cannot be read, or is no such key
 * @see https://developers.google.com/identity/protocols/risc#get_an_authorization_token
 */
export async function bearerOf(path: string, now: number): Promise<string> {
  const read = readSmallFile(path);
  if ("problem" in read) throw invalid(path, read.problem);
  let file: unknown;
  try {
    file = JSON.parse(read.text);
  } catch {
    throw invalid(path, "is not JSON");
  }
  const {
    client_email: email,
    private_key: key,
    private_key_id: kid,
  } = (file ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof email !== "string" || typeof key !== "string") {
    throw invalid(path, "is no key of a service account: it lacks client_email or private_key");
  }
  const iat = Math.floor(now / 1000);
  try {
    return await new SignJWT({ iss: email, sub: email, aud: audience, iat, exp: iat + 3_600 })
      .setProtectedHeader({ alg: "RS256", ...(typeof kid === "string" ? { kid } : {}) })
      .sign(await importPKCS8(key, "RS256"));
  } catch {
    throw invalid(path, "has a private_key that cannot be used");
  }
}

function invalid(path: string, problem: string): Error {
  return configurationInvalid(
    `the service account's file ${shownPath(path)} ${problem}`,
    "make a service account with the role RISC Configuration Admin in the client's own Cloud project, and a key of the type JSON",
  );
}
