import * as fc from "fast-check";
import type { BentAnswer } from "./bent-provider.ts";

/** A way to bend the answers of a token endpoint. */
export interface BentShape {
  /** For people, when a run fails. */
  readonly what: string;
  /**
   * @param accessToken the access token of the healthy answer
   * @param refreshToken the refresh token that the provider has issued with it
   * @param idToken the ID token, where there is one; it is not bent
   */
  readonly bend: (accessToken: string, refreshToken: string, idToken?: unknown) => BentResult;
}

/** A bent answer, and what must be made of it. */
export interface BentResult {
  readonly answer: BentAnswer;
  /** What of its body arrives. */
  readonly arrived: string;
  readonly isCut: boolean;
  /** Whether the refresh token can be read in it. */
  readonly carries: boolean;
  /** The access token that can be handed out, where all of the answer is read. */
  readonly usable: string | undefined;
  /** The scopes that it names; undefined where it names none that can be read. */
  readonly said: readonly string[] | undefined;
  /** Whether it has no scope at all. */
  readonly hasNoScope: boolean;
}

interface Part<T> {
  readonly what: string;
  readonly value: T;
}

function parts<T>(...values: readonly (readonly [string, T])[]): fc.Arbitrary<Part<T>> {
  return fc.constantFrom(...values.map(([what, value]) => ({ what, value })));
}

/** A member that is left out. */
const absent = undefined;

const accessTokens = fc.oneof(
  {
    weight: 3,
    arbitrary: parts<{ spell: (token: string) => unknown; usable: boolean }>([
      "access",
      { spell: (a) => a, usable: true },
    ]),
  },
  {
    weight: 2,
    arbitrary: parts<{ spell: (token: string) => unknown; usable: boolean }>(
      ...[absent, null, "", " ", 7, true, {}, [], "a b", "ä", "a\nb: c", "x".repeat(70_000)].map(
        (value) => [`access ${JSON.stringify(value)?.slice(0, 9)}`, { spell: () => value, usable: false }] as const,
      ),
      ["access padded", { spell: (a) => ` ${a}\n`, usable: true }],
    ),
  },
);

const tokenTypes = fc.oneof(
  { weight: 3, arbitrary: parts<{ value: unknown; bearer: boolean }>(["", { value: "Bearer", bearer: true }]) },
  {
    weight: 3,
    arbitrary: parts<{ value: unknown; bearer: boolean }>(
      ...[absent, "", "bearer", "BEARER ", "jwt-bearer", "BearerToken", "JWT", "user", 7, null, {}, ["Bearer"]].map(
        (value) => [`type ${JSON.stringify(value)}`, { value, bearer: true }] as const,
      ),
      ...["mac", "DPoP", "N_A", "PoP"].map((value) => [`type ${value}`, { value, bearer: false }] as const),
    ),
  },
);

const scopes = parts<{ value: unknown; said: readonly string[] | undefined }>(
  ["", { value: "openid files", said: ["openid", "files"] }],
  ["scope list", { value: ["openid"], said: ["openid"] }],
  ["scope commas", { value: "openid,mail", said: ["openid", "mail"] }],
  ["scope tabs", { value: "openid\t\tmail ", said: ["openid", "mail"] }],
  ["scope nested", { value: [["openid", ["mail"]], 7], said: ["openid", "mail"] }],
  ["scope comma in list", { value: ["files,mail"], said: ["files", "mail"] }],
  ...[absent, null, 7, true, {}, [], "", " ", { openid: true }, [{ scope: "mail" }]].map(
    (value) => [`scope ${JSON.stringify(value)}`, { value, said: undefined }] as const,
  ),
);

/** How a refresh token is spelled. `beside`: members that come after it, under the same name. */
const refreshTokens = fc.oneof(
  {
    weight: 3,
    arbitrary: parts<{ spell: (token: string) => unknown; carries: boolean; beside?: unknown }>([
      "",
      { spell: (r) => r, carries: true },
    ]),
  },
  {
    weight: 3,
    arbitrary: parts<{ spell: (token: string) => unknown; carries: boolean; beside?: unknown }>(
      ["refresh in list", { spell: (r) => [r], carries: true }],
      ["refresh in object", { spell: (r) => ({ value: r, ttl: 7 }), carries: true }],
      ["refresh among others", { spell: (r) => ["old", r, ""], carries: true }],
      ["refresh, then null", { spell: (r) => r, carries: true, beside: null }],
      ["refresh, then empty", { spell: (r) => r, carries: true, beside: "" }],
      ["refresh, then another", { spell: (r) => r, carries: true, beside: "another" }],
      ...[absent, null, "", " ", 0, true, {}, [], "null"].map(
        (value) => [`refresh ${JSON.stringify(value)}`, { spell: () => value, carries: false }] as const,
      ),
    ),
  },
);

const others = fc.subarray<readonly [string, unknown]>([
  ["expires_in", "3600"],
  ["id_token", "no.token.at-all"],
  ["error", ""],
  ["ok", true],
  ["not-before-policy", 0],
  ["previous", { scope: "admin", tokens: ["x"] }],
  ["note", 'said "refresh_token":"nonsense" \\ \n ü €'],
  ["__proto__", { scope: "polluted" }],
  ["padding", "x".repeat(70_000)],
]);

/** How the members of an answer are written. */
interface Spelling {
  readonly text: (members: readonly (readonly [string, unknown])[]) => string;
  /** Forms hold texts alone. */
  readonly isForm?: true;
}

const json = (members: readonly (readonly [string, unknown])[], space = ""): string => {
  const pairs = members
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${space}${JSON.stringify(name)}:${space}${JSON.stringify(value)}`);
  return `{${pairs.join(",")}${space}}`;
};

const spellings = fc.oneof(
  { weight: 3, arbitrary: parts<Spelling>(["", { text: (m) => json(m) }]) },
  {
    weight: 4,
    arbitrary: parts<Spelling>(
      ["pretty", { text: (m) => json(m, "\n  ") }],
      ["byte order mark", { text: (m) => `\ufeff${json(m)}` }],
      ["list of one", { text: (m) => `[${json(m)}]` }],
      ["one deeper", { text: (m) => `{"ok":true,"data":${json(m)}}` }],
      ["twice encoded", { text: (m) => JSON.stringify(json(m)) }],
      ["humps", { text: (m) => json(m.map(([name, v]) => [name.replace(/_t/, "T"), v])) }],
      ["capitals", { text: (m) => json(m.map(([name, v]) => [name.toUpperCase(), v])) }],
      ["text after", { text: (m) => `${json(m)}\n<!-- web-3 -->` }],
      ["text before", { text: (m) => `<b>Warning</b>\n${json(m)}` }],
      ["comma too many", { text: (m) => json(m).replace(/\}$/, ",}") }],
      ["form", { text: (m) => formOf(m), isForm: true }],
    ),
  },
);

function formOf(members: readonly (readonly [string, unknown])[]): string {
  return new URLSearchParams(
    members.flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
  ).toString();
}

/** Answers with success, bent in type, spelling, size and completeness. */
export const bentShapes: fc.Arbitrary<BentShape> = fc
  .record({
    access: accessTokens,
    type: tokenTypes,
    scope: scopes,
    refresh: refreshTokens,
    others,
    spelling: spellings,
    /** In which order the members come. */
    order: fc.array(fc.nat(99), { minLength: 20, maxLength: 20 }),
    /** Where the body is cut off, as a share of it; undefined: nowhere. */
    cutAt: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined, freq: 3 }),
    /** Bytes before the tokens: the second is more than is read of any answer. */
    before: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(300_000) }),
    status: fc.constantFrom(200, 200, 200, 201, 203),
    contentType: fc.constantFrom("application/json", "text/html; charset=utf-8", "text/plain", ""),
  })
  .map(({ access, type, scope, refresh, others, spelling, order, cutAt, before, status, contentType }) => {
    const isForm = spelling.value.isForm === true;
    /** A form holds texts alone; what is no text is left out of it. */
    const inForm = <T>(value: T): T | undefined => (!isForm || typeof value === "string" ? value : undefined);
    const { value: type_, bearer } = type.value;
    const names = [access, type, scope, refresh, spelling].map((part) => part.what);
    const more = [...others.map(([name]) => name), `cut at ${cutAt}`, `${before} before`];
    return {
      what: [...names, ...more].filter((name) => name !== "").join("; "),
      bend(accessToken: string, refreshToken: string, idToken: unknown): BentResult {
        const given = inForm(access.value.spell(accessToken));
        const members: (readonly [string, unknown])[] = [
          ["access_token", given],
          ["token_type", inForm(type_)],
          ["scope", inForm(scope.value.value)],
          ...others.filter(([name]) => idToken === undefined || name !== "id_token"),
          ["id_token", idToken],
          ["refresh_token", inForm(refresh.value.spell(refreshToken))],
        ];
        const shuffled = members
          .map((member, n) => ({ member, at: order[n] ?? 0 }))
          .toSorted((one, other) => one.at - other.at)
          .map(({ member }) => member);
        const beside = refresh.value.beside === undefined ? [] : [["refresh_token", refresh.value.beside] as const];
        const padding = before === 0 ? [] : [["padding", "x".repeat(before)] as const];
        const text = spelling.value.text([...padding, ...shuffled, ...beside]);
        const bytes = Buffer.from(text);
        const sent = Math.floor(bytes.length * (cutAt ?? 1));
        const isCut = sent < bytes.length;
        const arrived = bytes.subarray(0, sent).toString();
        const issued = refresh.value.carries && inForm(refresh.value.spell(refreshToken)) !== undefined;
        return {
          answer: {
            status,
            headers: { "content-type": contentType },
            text,
            ...(isCut ? { cutAfter: sent } : {}),
            // A provider that says nothing of a new refresh token has not replaced the one that was sent.
            spends: issued,
          },
          arrived,
          isCut,
          carries: issued && (!isCut || cameWhole(arrived, refreshToken, isForm)),
          usable:
            access.value.usable && given !== undefined && (bearer || inForm(type_) === undefined)
              ? accessToken
              : undefined,
          hasNoScope: inForm(scope.value.value) === undefined,
          said: inForm(scope.value.value) === undefined ? undefined : scope.value.said,
        };
      },
    };
  });

/** Whether a value and what ends it stand in a text. */
function cameWhole(text: string, value: string, isForm: boolean): boolean {
  const at = text.lastIndexOf(value);
  return at >= 0 && (isForm ? /^&/ : /^\\?"/).test(text.slice(at + value.length));
}
