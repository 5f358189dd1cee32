/** What can be checked of any page for people who see little, hear the page, or have no mouse. */
import type { Page } from "playwright-core";

/**
 * Texts whose contrast is below WCAG 2.2 AA (4.5, large text 3), with the ratio they have.
 * A disabled control is exempt, as in success criterion 1.4.3.
 */
export function lowContrast(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(${contrastOf})()`);
}

/** Controls without a name, images without alt, ids used twice, headings that skip a level. */
export function unnamed(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(${namesOf})()`);
}

/** Texts and controls that reach out of the window and that no element of their own scrolls. */
export function overflow(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(${stickingOut})()`);
}

/**
 * Controls that are lower than so many pixels, with their height: a finger misses them. A link in a sentence is as high as its
 * line, as success criterion 2.5.8 allows; a label that belongs to a control is a part of it.
 */
export function smallTargets(page: Page, pixels: number): Promise<string[]> {
  return page.evaluate<string[]>(`(${lowerThan})(${pixels})`);
}

const lowerThan = `(pixels) => {
  const high = (element) => element.getBoundingClientRect().height;
  const inSentence = (element) =>
    getComputedStyle(element).display === "inline" && element.parentElement.textContent.trim() !== element.textContent.trim();
  // Laid over a whole row, as the links of lists are.
  const area = (element) => {
    const { content, position, inset } = getComputedStyle(element, "::after");
    return content !== "none" && position === "absolute" && inset === "0px" ? high(element.closest("tr, li") ?? element) : high(element);
  };
  return [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
    .filter((element) => element.checkVisibility() && element.closest(".skip, .hidden") === null && !inSentence(element))
    .filter((element) => Math.max(area(element), element.type === "checkbox" || element.type === "radio" ? high(element.closest("label") ?? element) : 0) < pixels)
    .map((element) => Math.round(area(element)) + ": " + (element.getAttribute("aria-label") ?? element.textContent.trim()).slice(0, 40));
}`;

const contrastOf = `() => {
  const parse = (text) => {
    const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\\d.]+/g) ?? []).map(Number);
    return { r, g, b, a };
  };
  const over = (top, under) => ({
    r: top.r * top.a + under.r * (1 - top.a),
    g: top.g * top.a + under.g * (1 - top.a),
    b: top.b * top.a + under.b * (1 - top.a),
    a: 1,
  });
  const ground = (element) => {
    if (element === null) return { r: 255, g: 255, b: 255, a: 1 };
    const own = parse(getComputedStyle(element).backgroundColor);
    return own.a === 1 ? own : over(own, ground(element.parentElement));
  };
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
    if (text === "" || !element.checkVisibility() || element.closest(":disabled") !== null) continue;
    const style = getComputedStyle(element);
    const under = ground(element);
    const [a, b] = [light(over(parse(style.color), under)), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(ratio.toFixed(2) + ": " + text.slice(0, 40));
  }
  return found;
}`;

const stickingOut = `() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (element) => element !== null && (/auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
  const aside = parseFloat(getComputedStyle(document.body).paddingRight);
  return [...document.querySelectorAll("main *")]
    .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > width - aside + 1 && !scrolls(element.parentElement))
    .map((element) => element.tagName + "#" + element.id + ": " + element.textContent.trim().slice(0, 40));
}`;

const namesOf = `() => {
  const found = [];
  const named = (element) =>
    (element.getAttribute("aria-label") ?? "") !== "" ||
    element.textContent.trim() !== "" ||
    (element.labels?.length ?? 0) > 0 ||
    document.getElementById(element.getAttribute("aria-labelledby")) !== null;
  for (const element of document.querySelectorAll("button, a, input, select, textarea, [role=region]")) {
    if (element.checkVisibility() && !named(element)) found.push("no name: " + element.outerHTML.slice(0, 80));
  }
  for (const image of document.querySelectorAll("img:not([alt])")) found.push("no alt: " + image.outerHTML);
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index))) found.push("twice: #" + id);
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter((h) => h.checkVisibility()).map((h) => Number(h.tagName[1]));
  levels.forEach((level, index) => {
    if (level > (levels[index - 1] ?? 0) + 1) found.push("heading skips to level " + level);
  });
  if (document.documentElement.lang === "") found.push("no lang");
  if (document.querySelectorAll("main").length !== 1) found.push("not one main");
  return found;
}`;
