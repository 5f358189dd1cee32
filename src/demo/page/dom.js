// Elements: text is text, never markup.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Changes text only where it differs, so that a screen reader speaks only when something has changed. */
export function say(id, text) {
  const target = byId(id);
  if (target.textContent !== text) target.textContent = text;
}

/** Tells people who hear the page what has happened, once nothing else is being said. */
export function announce(text) {
  // The same words twice would not be a change, and so would not be spoken.
  byId("announce").textContent = byId("announce").textContent === text ? `${text}\u00a0` : text;
}

/**
 * Scrolls no further than is needed to see `part` together with the beginning of `whole`; `part` alone, where a window is
 * too small for both.
 */
export function bringIntoView(whole, part) {
  // What is sticky covers what is under it.
  const covered = byId("strip").offsetHeight + 8;
  const height = innerHeight - covered - 8;
  const { bottom } = part.getBoundingClientRect();
  const start = whole.getBoundingClientRect().top;
  const top = bottom - start > height ? part.getBoundingClientRect().top : start;
  const above = top - covered;
  const below = bottom - top > height ? above : bottom + 8 - innerHeight;
  const way = above < 0 || bottom - top > height ? above : Math.max(0, below);
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  scrollBy({ top: way, behavior: isStill ? "auto" : "smooth" });
}
