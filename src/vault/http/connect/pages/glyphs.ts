import { Html } from "./html.ts";

const paths = {
  key: "M8 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 12h9v3.500M17 12v2.500",
  person: "M12 12a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM5 19.500c.8-3.300 3.600-5 7-5s6.200 1.700 7 5",
  check: "M5 12.500l4.500 4.500L19 7.500",
  clock: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 7.500V12l3 2",
  notice: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 8v5M12 16v.01",
  shield: "M12 3.500l7 2.500v5.500c0 4.300-2.900 7.500-7 9-4.100-1.500-7-4.700-7-9V6z",
} as const;

export type Glyph = keyof typeof paths;

/** A small drawing beside words that say the same. Drawn in the page: the policy lets no image load. */
export function glyph(which: Glyph): Html {
  return new Html(
    `<svg class="glyph ${which}" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true"><path d="${paths[which]}" /></svg>`,
  );
}
