import type { OpenSpan } from "./spans.ts";

/** For work whose span nobody keeps. */
export const unwatched: OpenSpan = {
  isRecorded: false,
  set: () => undefined,
  fail: () => undefined,
  rename: () => undefined,
  adopt: () => undefined,
};
