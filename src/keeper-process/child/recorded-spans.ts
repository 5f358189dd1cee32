/**
 * Spans as facts, for a keeper's process: no SDK is loaded where refresh tokens are opened. The other process makes spans of
 * what is told here.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { isOnbehalfError } from "../../core/errors.ts";
import type { OpenSpan, SpanAttributes, SpanBegin, SpanFacts, Spans } from "../../core/spans/spans.ts";
import { unwatched } from "../../core/spans/unwatched.ts";

/** How many spans one piece of work may have. A loop must not fill this process's memory with them. */
const mostSpans = 200;

/** A span that may not be over. */
interface Recording extends Omit<SpanFacts, "endMs" | "failure" | "attributes"> {
  attributes: SpanAttributes;
  endMs?: number;
  failure?: string;
}

/** What is done now. */
interface Scope {
  /** Absent: nobody keeps the spans of this work. */
  readonly tree?: Tree;
  /** The span that is open. */
  readonly within?: number;
}

export class RecordedSpans implements Spans {
  readonly #scopes = new AsyncLocalStorage<Scope>();
  readonly #tell: (spans: readonly SpanFacts[], of?: number) => void;

  /** @param tell takes spans that are over; `of`: the request that they are part of, if any */
  constructor(tell: (spans: readonly SpanFacts[], of?: number) => void) {
    this.#tell = tell;
  }

  /** Carries out a request. What is done for it is told before this resolves. */
  async during<T>(of: number, isWanted: boolean, work: () => Promise<T>): Promise<T> {
    if (!isWanted) return this.#scopes.run({}, work);
    return this.#telling(new Tree(), of, (tree) => this.#scopes.run({ tree }, work));
  }

  async run<T>(begin: SpanBegin, work: (span: OpenSpan) => Promise<T>): Promise<T> {
    const scope = this.#scopes.getStore();
    if (scope !== undefined && scope.tree === undefined) return work(unwatched);
    // What goes on after the work that began it is over is work of its own.
    if (scope?.tree === undefined || scope.tree.isOver) {
      return this.#telling(new Tree(), undefined, (tree) => this.#recorded({ tree }, begin, work));
    }
    return this.#recorded(scope, begin, work);
  }

  /** A keeper's process has no other that tells it of spans. */
  adopt(): void {
    return undefined;
  }

  async #telling<T>(tree: Tree, of: number | undefined, work: (tree: Tree) => Promise<T>): Promise<T> {
    try {
      return await work(tree);
    } finally {
      const spans = tree.end();
      if (spans.length > 0) this.#tell(spans, of);
    }
  }

  async #recorded<T>(
    { tree, within }: Scope,
    { name, kind, attributes }: SpanBegin,
    work: (span: OpenSpan) => Promise<T>,
  ): Promise<T> {
    const span = tree?.begin({ name, kind, attributes, ...(within === undefined ? {} : { parent: within }) });
    if (tree === undefined || span === undefined) return work(unwatched);
    const open: OpenSpan = {
      ...unwatched,
      isRecorded: true,
      set: (more) => void (span.attributes = { ...span.attributes, ...more }),
      fail: (type) => void (span.failure = type),
    };
    try {
      return await this.#scopes.run({ tree, within: span.id }, () => work(open));
    } catch (error) {
      open.fail(isOnbehalfError(error) ? error.code : "_OTHER");
      throw error;
    } finally {
      span.endMs = tree.now();
    }
  }
}

/** The spans of one piece of work, in the order in which they began. */
class Tree {
  isOver = false;
  readonly #spans: Recording[] = [];
  // By the machine's clock once, and then by one that nobody can set.
  readonly #since = Date.now() - performance.now();

  now(): number {
    return this.#since + performance.now();
  }

  /** @returns undefined: there are too many */
  begin(begin: Omit<Recording, "id" | "startMs">): Recording | undefined {
    if (this.#spans.length >= mostSpans) return undefined;
    const span = { ...begin, id: this.#spans.length, startMs: this.now() };
    this.#spans.push(span);
    return span;
  }

  /** Those that are over. What is still open, or part of that, is left out. */
  end(): SpanFacts[] {
    this.isOver = true;
    const told = new Set<number>();
    return this.#spans.flatMap(({ endMs, ...span }) => {
      if (endMs === undefined || (span.parent !== undefined && !told.has(span.parent))) return [];
      told.add(span.id);
      return { ...span, endMs };
    });
  }
}
