import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Refusal } from "./ask.ts";
import { Failure, Ghost } from "./parts.tsx";

type LaterProps<P> = P & {
  /** Gives the view. Always the same function, or it is loaded again. */
  readonly load: () => Promise<ComponentType<P>>;
};

/** Views that were shown before: their scripts are here. */
const here = new Map<unknown, unknown>();

/** A view whose script is loaded when it is looked at. */
export function Later<P extends object>({ load, ...props }: LaterProps<P>): JSX.Element {
  const [, draw] = useState(0);
  const [hasFailed, setFailed] = useState(false);
  const View = here.get(load) as ComponentType<P> | undefined;
  useEffect(() => {
    if (View !== undefined) return;
    load().then(
      (view) => {
        here.set(load, view);
        draw((before) => before + 1);
      },
      () => setFailed(true),
    );
  }, [load]);
  if (View !== undefined) return <View {...(props as unknown as P)} />;
  if (!hasFailed) return <Ghost lines={9} />;
  const error = new Refusal(
    "unloaded",
    "This view could not be loaded.",
    "The service may be of another version by now.",
  );
  return <Failure error={error} again={() => location.reload()} />;
}
