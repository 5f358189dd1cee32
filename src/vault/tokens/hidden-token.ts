/**
 * Takes a token out of an API's answer, for callers that may call APIs and never see a token: an API that repeats what it
 * was sent, as many a test page and error page does, would hand it to them.
 */

/** The token that each answer's request was sent with. */
const sentWith = new WeakMap<Response, string>();

/** Remembers the token that a request was sent with, for as long as its answer lives. */
export function noteToken(response: Response, token: string): Response {
  sentWith.set(response, token);
  return response;
}

/** Remembers of one answer what is known of another one, which it was made from. */
export function noteSameToken(response: Response, from: Response): Response {
  const token = sentWith.get(from);
  return token === undefined ? response : noteToken(response, token);
}

/**
 * The answer with as many asterisks in place of each form of its request's token, in its headers and its body. A body
 * that is still compressed cannot be looked through.
 *
 * @throws an error with the code `UNREADABLE_CODING`: the body is compressed in a way that was not asked for
 */
export function withoutToken(response: Response): Response {
  const token = sentWith.get(response);
  if (token === undefined) return response;
  const { status, body } = response;
  const coding = response.headers.get("content-encoding") ?? "identity";
  if (body !== null && coding.toLowerCase() !== "identity") {
    void body.cancel().catch(() => undefined);
    throw Object.assign(new Error("the answer cannot be looked through"), { code: "UNREADABLE_CODING" });
  }
  const forms = formsOf(token);
  const headers = new Headers();
  for (const [name, value] of response.headers) {
    const bytes = Buffer.from(value, "latin1");
    hide(bytes, forms);
    headers.append(name, bytes.toString("latin1"));
  }
  return new Response(body?.pipeThrough(hiding(forms)) ?? null, { status, headers });
}

/** Hides forms in a stream, also where chunks divide them. Only what could be the beginning of one is held back. */
function hiding(forms: readonly Buffer[]): TransformStream<Uint8Array, Uint8Array> {
  let held = Buffer.alloc(0);
  return new TransformStream({
    transform(chunk, controller) {
      const bytes = Buffer.concat([held, chunk]);
      hide(bytes, forms);
      const kept = Math.max(...forms.map((form) => beginningAtEnd(bytes, form)));
      held = bytes.subarray(bytes.length - kept);
      if (bytes.length > kept) controller.enqueue(bytes.subarray(0, bytes.length - kept));
    },
    flush(controller) {
      if (held.length > 0) controller.enqueue(held);
    },
  });
}

function hide(bytes: Buffer, forms: readonly Buffer[]): void {
  for (const form of forms) {
    for (let at = bytes.indexOf(form); at >= 0; at = bytes.indexOf(form, at + form.length)) {
      bytes.fill("*", at, at + form.length);
    }
  }
}

/** How many of the last bytes are the beginning of a form. */
function beginningAtEnd(bytes: Buffer, form: Buffer): number {
  const first = form.subarray(0, 1);
  let at = bytes.indexOf(first, Math.max(0, bytes.length - form.length + 1));
  while (at >= 0) {
    const length = bytes.length - at;
    if (bytes.subarray(at).equals(form.subarray(0, length))) return length;
    at = bytes.indexOf(first, at + 1);
  }
  return 0;
}

/**
 * What programs write in place of characters that a token may have, where HTML or a script could mistake them: JSON of Gson and
 * .NET, pages of Go and of Mustache.
 */
const escapes: readonly Readonly<Record<string, string>>[] = [
  { "=": "\\u003d" },
  { "+": "\\u002b" },
  { "+": "\\u002b", "=": "\\u003d" },
  { "+": "\\u002b", "=": "\\u003d", "/": "\\u002f" },
  { "+": "&#43;" },
  { "+": "&#43;", "=": "&#61;", "/": "&#47;" },
  { "=": "&#x3d;", "/": "&#x2f;" },
  { "+": "&#x2b;", "=": "&#x3d;", "/": "&#x2f;" },
];

function escaped(token: string): string[] {
  return escapes.flatMap((each) => {
    const text = token.replaceAll(/[+=/]/g, (character) => each[character] ?? character);
    return [text, text.replaceAll(/\\u00[23][a-f\d]|&#x[23][a-f\d];/g, (escape) => upperHex(escape))];
  });
}

function upperHex(escape: string): string {
  return escape.slice(0, 3) + escape.slice(3).toUpperCase();
}

/** The forms in which programs write a text down: as it is, in an address, in JSON, in HTML, in hexadecimal and in base64. */
function formsOf(token: string): Buffer[] {
  const bytes = Buffer.from(token);
  const hex = bytes.toString("hex");
  const encoded = encodeURIComponent(token);
  const texts = [token, encoded, encoded.replaceAll(/%../g, (escape) => escape.toLowerCase())];
  texts.push(encodeURIComponent(encoded));
  texts.push(JSON.stringify(token).slice(1, -1), token.replaceAll("/", "\\/"), ...escaped(token));
  // Of a token of a few characters, such a form would stand in an answer by chance.
  if (bytes.length >= 12) {
    texts.push(hex, hex.toUpperCase());
    for (const before of [0, 1, 2]) {
      texts.push(withinBase64(bytes, before), withinBase64(bytes, before).replaceAll("+", "-").replaceAll("/", "_"));
    }
  }
  const wide = Buffer.from(token, "utf16le");
  return [...[...new Set(texts)].map((text) => Buffer.from(text)), wide, Buffer.from(wide).swap16()];
}

/** The digits of base64 that belong to these bytes alone, where so many others stand before them. */
function withinBase64(bytes: Buffer, before: number): string {
  const digits = Buffer.concat([Buffer.alloc(before), bytes])
    .toString("base64")
    .replace(/=+$/, "");
  return digits.slice(before === 0 ? 0 : before + 1, -1);
}
