/** Where the members of a JSON text stand, by their paths: `providers.0.client_id`. */
export interface MemberLines {
  /** The line of each member's name, and of each element of a list, from 1 on. */
  readonly lines: ReadonlyMap<string, number>;
  /** Paths of members that stand there more than once: JSON takes the last, and nobody sees which was meant. */
  readonly repeated: readonly string[];
}

/** An object or a list that has begun and has not ended. */
interface Open {
  readonly path: string;
  readonly isList: boolean;
  index: number;
  name: string;
  expectsName: boolean;
}

/**
 * Finds the lines of members, for messages that name the place of a mistake. It looks at nothing but their order.
 *
 * @param text valid JSON
 */
export function memberLines(text: string): MemberLines {
  const lines = new Map<string, number>();
  const repeated: string[] = [];
  const open: Open[] = [];
  let line = 1;
  for (const [token] of text.matchAll(/\n|"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g)) {
    const top = open.at(-1);
    if (token === "\n") line += 1;
    else if (token === "]" || token === "}") open.pop();
    else if (token === "," && top !== undefined) {
      top.index += 1;
      top.expectsName = !top.isList;
    } else if (top?.expectsName === true) {
      top.name = JSON.parse(token) as string;
      top.expectsName = false;
      const path = pathIn(top);
      if (lines.has(path)) repeated.push(path);
      lines.set(path, line);
    } else if (token !== ":") {
      const path = top === undefined ? "" : pathIn(top);
      if (top?.isList === true) lines.set(path, line);
      if (token === "{" || token === "[") {
        open.push({ path, isList: token === "[", index: 0, name: "", expectsName: token === "{" });
      }
    }
  }
  return { lines, repeated };
}

function pathIn({ path, isList, index, name }: Open): string {
  return `${path === "" ? "" : `${path}.`}${isList ? index : name}`;
}
