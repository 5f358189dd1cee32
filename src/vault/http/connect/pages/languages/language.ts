import { de } from "./de.ts";
import { en } from "./en.ts";
import { es } from "./es.ts";
import { fr } from "./fr.ts";
import { ko } from "./ko.ts";
import type { Texts } from "./texts.ts";

/** Primary subtags of BCP 47. All of them are written from left to right. */
export const languages = ["en", "de", "es", "ko", "fr"] as const;

export type Language = (typeof languages)[number];

export const textsOf: Readonly<Record<Language, Texts>> = { en, de, es, ko, fr };

/** Browsers send some dozens of characters. What stands behind this many is not looked at. */
const longestHeader = 1000;

/**
 * The language that a browser would like best among those that we have; English where it likes none of them. A region does not
 * matter: `de-AT` is German. `*` alone does not count: who names a language reads that one rather than any.
 *
 * @param acceptLanguage the header's value
 * @see RFC 9110 section 12.5.4; RFC 4647 section 3.4
 */
export function languageOf(acceptLanguage: string | null): Language {
  let [best, weight]: [Language, number] = ["en", 0];
  for (const part of (acceptLanguage ?? "").slice(0, longestHeader).split(",")) {
    const found = /^([a-z]{2})(?:-[a-z0-9]{1,8})*(?:\s*;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i.exec(part.trim());
    const language = languages.find((one) => one === found?.[1]?.toLowerCase());
    const q = Number(found?.[2] ?? 1);
    // Of two that are liked as much, the first one is written first.
    if (language !== undefined && q > weight) [best, weight] = [language, q];
  }
  return best;
}
