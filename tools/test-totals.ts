/**
 * A reporter for `node --test` that writes how many tests there were and which of them failed, as one line of JSON:
 * {@link Totals}.
 */

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Each test that failed: its file and line, its title, and what was wrong. */
  readonly failures: readonly string[];
}

interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly file?: string;
    readonly line?: number;
    readonly counts?: Readonly<Record<string, number>>;
    readonly details?: { readonly error?: Error & { readonly failureType?: string } };
  };
}

// `node --test` takes a reporter from the default export alone.
// oxlint-disable-next-line import/no-default-export
export default async function* totals(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failures: string[] = [];
  for await (const { type, data } of events) {
    // A suite fails because of a test in it, which is named itself.
    if (type === "test:fail" && data.details?.error?.failureType !== "subtestsFailed") failures.push(described(data));
    // Each file has a summary of its own; the one of the whole run names no file.
    if (type !== "test:summary" || data.file !== undefined) continue;
    const { passed = 0, failed = 0, cancelled = 0, skipped = 0, todo = 0 } = data.counts ?? {};
    const counted = { passed, failed: failed + cancelled, skipped: skipped + todo };
    yield `${JSON.stringify({ ...counted, failures } satisfies Totals)}\n`;
  }
}

function described({ name, file, line, details }: TestEvent["data"]): string {
  const { error } = details ?? {};
  const cause = error?.cause instanceof Error ? error.cause : error;
  return `${file ?? "?"}:${line ?? 0}: ${name ?? "?"}\n${(cause?.stack ?? cause?.message ?? "").slice(0, 1500)}`;
}
