/** A partial-response selector: `files(id,name),nextPageToken`, `files/id`, `*`. Without members it means all. */
export type Selection = Map<string, Selection>;

const deepest = 8;

/** Reads a `fields` parameter, or returns undefined where it makes no sense. */
export function parseFields(fields: string): Selection | undefined {
  const words = fields.match(/[\w*-]+|[(),/]|[^\s]/g) ?? [];
  let at = 0;

  /** `name`, `name/name`, `name(list)`: added to what is selected already. */
  const path = (into: Selection, depth: number): boolean => {
    const name = words[at] ?? "";
    if (depth > deepest || !/^[\w*-]+$/.test(name)) return false;
    at += 1;
    const inner: Selection = into.get(name) ?? new Map<string, Selection>();
    into.set(name, inner);
    if (words[at] === "/") {
      at += 1;
      return path(inner, depth + 1);
    }
    if (words[at] !== "(") return true;
    at += 1;
    const closed = list(inner, depth + 1) && words[at] === ")";
    at += 1;
    return closed;
  };
  const list = (into: Selection, depth: number): boolean => {
    while (path(into, depth)) {
      if (words[at] !== ",") return true;
      at += 1;
    }
    return false;
  };

  const selection: Selection = new Map();
  return list(selection, 0) && at === words.length ? selection : undefined;
}

/** The selected part of a value. */
export function select(value: unknown, selection: Selection): unknown {
  if (selection.size === 0 || selection.has("*")) return value;
  if (Array.isArray(value)) return value.map((entry) => select(entry, selection));
  if (typeof value !== "object" || value === null) return value;
  const chosen = Object.entries(value).flatMap(([name, member]) => {
    const inner = selection.get(name);
    return inner === undefined ? [] : [[name, select(member, inner)]];
  });
  return Object.fromEntries(chosen) as unknown;
}
