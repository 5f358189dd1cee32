import { OnbehalfError } from "../../core/errors.ts";

/** Events between the ones that a reader has seen and the ones that are there are gone: it must not go on as if it had them. */
export function eventsMissed(
  after: number,
  { seq, pruned }: { readonly seq: number; readonly pruned: number },
): OnbehalfError<"events_missed"> {
  const isAhead = after > seq;
  return new OnbehalfError(
    "events_missed",
    isAhead
      ? `there is no event ${after} yet: the last one is ${seq}, as after an older backup was restored`
      : `the events from ${after + 1} to ${pruned} are not kept any more`,
    {
      hint: `look at the grants themselves, then read on with after=${isAhead ? seq : pruned}`,
      details: { oldest: pruned + 1, newest: seq, readOnAfter: isAhead ? seq : pruned },
    },
  );
}
