import type { Handler, Incoming } from "./messages.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One resource: its paths, the first of them canonical, and a handler per method. `{name}` stands for one segment. */
export interface Route extends Partial<Record<Method, Handler>> {
  readonly at: readonly string[];
  /**
   * What must be fetched before a handler can answer. Handlers themselves answer at once, so that what one request does is
   * finished before the next one begins.
   */
  readonly prepare?: (request: Incoming) => Promise<void>;
  /** Whether programs in pages of this machine may call it (CORS). Pages of web sites may not. */
  readonly crossOrigin?: true;
}

export interface Match {
  readonly route: Route;
  /** The first of the route's paths with its parameters filled in. Faults know a resource by this path. */
  readonly canonical: string;
  readonly params: Readonly<Record<string, string>>;
}

export function methodsOf(route: Route): Method[] {
  return (["GET", "POST", "PUT", "PATCH", "DELETE"] as const).filter((method) => route[method] !== undefined);
}

export function handlerOf(route: Route, method: string): Handler | undefined {
  const served = methodsOf(route).find((candidate) => candidate === method);
  return served === undefined ? undefined : route[served];
}

export class Router {
  readonly #fixed = new Map<string, Route>();
  readonly #open: { segments: string[]; route: Route }[] = [];

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      for (const path of route.at) {
        if (path.includes("{")) this.#open.push({ segments: path.split("/"), route });
        else this.#fixed.set(path, route);
      }
    }
  }

  /** The route of a path; undefined where there is none, or a parameter cannot be decoded. */
  match(path: string): Match | undefined {
    const fixed = this.#fixed.get(path);
    if (fixed !== undefined) return { route: fixed, canonical: fixed.at[0] ?? path, params: {} };
    const given = path.split("/");
    for (const { segments, route } of this.#open) {
      const params = fit(segments, given);
      if (params === undefined) continue;
      const canonical = (route.at[0] ?? path).replaceAll(/\{(\w+)\}/g, (_, name: string) => params[name] ?? "");
      return { route, canonical, params };
    }
    return undefined;
  }
}

function fit(segments: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  if (segments.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const value = given[index] ?? "";
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined) {
      if (segment !== value) return undefined;
      continue;
    }
    try {
      params[name] = decodeURIComponent(value);
    } catch {
      return undefined;
    }
    if (params[name] === "") return undefined;
  }
  return params;
}
