import { defined } from "../../../core/defined.ts";
import { invalidRequest } from "../../../core/errors.ts";
import { nearestName } from "../../../core/known-names.ts";
import { Secret } from "../../../index.ts";
import type { DepositOptions } from "../../../index.ts";

/** The members of a line, as those of the body of `POST /v1/grants/deposit`. */
const members = ["provider", "external_id", "refresh_token", "access_token", "expires_at", "scope", "account"] as const;

/**
 * Reads a line: a JSON object. Members that are nothing like ours are left alone, such as what a query selected besides.
 *
 * @param provider the one of lines that name none
 * @throws {OnbehalfError} `invalid_request`: what is wrong with it, without anything of what stands in it
 */
export function depositIn(text: string, provider: string | undefined): DepositOptions & { refreshToken: Secret } {
  const line = objectIn(text);
  for (const name of Object.keys(line)) {
    const meant = isMember(name) ? undefined : nearestName(name, members);
    if (meant !== undefined) throw wrong(`${meant} is spelled in another way`, `write ${meant}`, meant);
  }
  return {
    refreshToken: new Secret(textIn(line, "refresh_token") ?? missing("refresh_token")),
    externalId: textIn(line, "external_id", true) ?? missing("external_id"),
    ...defined({
      provider: textIn(line, "provider") ?? provider,
      scope: scopeIn(line),
      account: textIn(line, "account"),
    }),
    isOneOfMany: true,
  };
}

function isMember(name: string): boolean {
  return (members as readonly string[]).includes(name);
}

type Members = Readonly<Record<string, unknown>>;

function objectIn(text: string): Members {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong("the line must be a JSON object in one line", "write one object a line, without commas between them");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw wrong("the line must be a JSON object", "write one object a line, and no list around them");
}

/** @param isNumberText whether a whole number counts as its digits, as user ids of databases do */
function textIn(line: Members, name: string, isNumberText = false): string | undefined {
  const value = line[name] ?? undefined;
  if (value === undefined || typeof value === "string") return value;
  if (isNumberText && typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  throw wrong(`${name} must be a text`, `write ${name} in double quotes`, name);
}

function scopeIn(line: Members): string | undefined {
  const value = line["scope"] ?? undefined;
  const texts = Array.isArray(value) ? (value as readonly unknown[]) : value === undefined ? [] : [value];
  if (!texts.every((each) => typeof each === "string")) {
    throw wrong("scope must be a text or a list of texts", 'write "scope": "openid email"', "scope");
  }
  // As databases keep them: with spaces or commas between them.
  const scope = texts.flatMap((each) => each.split(/[\s,]+/)).filter((each) => each !== "");
  return scope.length === 0 ? undefined : scope.join(" ");
}

function missing(name: string): never {
  throw wrong(`${name} is missing`, `write it as "${name}": "…"`, name);
}

function wrong(message: string, hint: string, parameter?: string): Error {
  return invalidRequest(message, hint, parameter);
}
