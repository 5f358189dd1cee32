/** A reporter for `node --test` that writes how many tests there were, as one line of JSON: {@link Totals}. */

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface TestEvent {
  readonly type: string;
  readonly data: { readonly file?: string; readonly counts?: Readonly<Record<string, number>> };
}

// `node --test` takes a reporter from the default export alone.
// oxlint-disable-next-line import/no-default-export
export default async function* totals(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    // Each file has a summary of its own; the one of the whole run names no file.
    if (type !== "test:summary" || data.file !== undefined) continue;
    const { passed = 0, failed = 0, cancelled = 0, skipped = 0, todo = 0 } = data.counts ?? {};
    yield `${JSON.stringify({ passed, failed: failed + cancelled, skipped: skipped + todo } satisfies Totals)}\n`;
  }
}
