/** Finds a secret in bytes: as it is, and in the forms in which text is commonly stored, logged or sent. */
export function findSecret(haystack: Buffer, secret: string): string | undefined {
  // A part of a few characters stands in every file by chance.
  if (secret.length < 6) throw new Error(`a secret of ${secret.length} characters cannot be looked for`);
  return secretEncodings(secret).find(([, form]) => haystack.includes(form))?.[0];
}

type Form = readonly [name: string, bytes: Buffer];

export function secretEncodings(secret: string): Form[] {
  const bytes = Buffer.from(secret);
  const text = (name: string, form: string): Form => [name, Buffer.from(form)];
  return [
    ["as it is", bytes],
    ["as UTF-16", Buffer.from(secret, "utf16le")],
    text("in hex", bytes.toString("hex")),
    text("in HEX", bytes.toString("hex").toUpperCase()),
    text("percent-encoded", encodeURIComponent(secret)),
    text("as a JSON string", JSON.stringify(secret).slice(1, -1).replaceAll("/", "\\/")),
    text("backwards", secret.split("").toReversed().join("")),
    ...[0, 1, 2].flatMap((offset) => [
      text(`in base64, ${offset} bytes in`, within(bytes, offset, "base64")),
      text(`in base64url, ${offset} bytes in`, within(bytes, offset, "base64url")),
    ]),
  ];
}

/** The base64 digits of a value inside a longer text: those that its neighbours do not change. */
function within(bytes: Buffer, offset: number, encoding: "base64" | "base64url"): string {
  const digits = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString(encoding)
    .replace(/=+$/, "");
  return digits.slice(offset === 0 ? 0 : offset + 1, -1);
}
