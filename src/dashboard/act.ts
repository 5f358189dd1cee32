import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal } from "./ask.ts";

/** Something that can be done, and what came of it the last time. */
export interface Act<A extends unknown[], T> {
  readonly run: (...args: A) => void;
  readonly isBusy: boolean;
  readonly done: T | undefined;
  readonly error: Refusal | undefined;
}

/**
 * Does something at a press, once at a time. What comes of it after the part of the page is gone, nobody is told.
 *
 * @param then called with what came of it
 */
export function useAct<A extends unknown[], T>(act: (...args: A) => Promise<T>, then?: (done: T) => void): Act<A, T> {
  const [state, setState] = useState<Omit<Act<A, T>, "run">>({ isBusy: false, done: undefined, error: undefined });
  const isThere = useRef(true);
  const isBusy = useRef(false);
  useEffect(() => {
    isThere.current = true;
    return () => {
      isThere.current = false;
    };
  }, []);
  const run = async (...args: A): Promise<void> => {
    if (isBusy.current) return;
    isBusy.current = true;
    setState((before) => ({ ...before, isBusy: true, error: undefined }));
    try {
      const done = await act(...args);
      if (!isThere.current) return;
      setState({ isBusy: false, done, error: undefined });
      then?.(done);
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal("failed", "This page failed.", "Reload it.");
      if (isThere.current) setState({ isBusy: false, done: undefined, error: refusal });
    } finally {
      isBusy.current = false;
    }
  };
  return { ...state, run: (...args) => void run(...args) };
}
