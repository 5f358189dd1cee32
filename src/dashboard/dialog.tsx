import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

interface DialogProps {
  readonly title: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

/** How many questions are in front of the page: two for a moment, where one follows another. */
let open = 0;
/** What had the focus before the first of them. */
let cameFrom: Element | null = null;

/** A question in front of the page. Escape closes it, and the focus goes back to where it came from. */
export function Dialog({ title, close, children }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  // Before anything is painted: until it is shown, Escape and Tab would still be the page's.
  useLayoutEffect(() => {
    if (open === 0) cameFrom = document.activeElement;
    open += 1;
    const { current } = dialog;
    current?.showModal();
    return () => {
      current?.close();
      open -= 1;
      if (open > 0) return;
      // What was pressed may be gone by what was done.
      if (cameFrom instanceof HTMLElement && cameFrom.isConnected && cameFrom !== document.body) cameFrom.focus();
      else document.getElementById("main")?.focus();
    };
  }, []);
  useEffect(() => {
    const { current } = dialog;
    // What had the focus may be gone with the step before. Without one, the next key would go nowhere.
    if (current === null || current.contains(document.activeElement)) return;
    const next = current.querySelector<HTMLElement>(".primary, button");
    (next ?? current).focus();
  }, [title]);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClose={() => {
        // A browser closes it by itself at a second Escape. By now it may be gone, and another one be there.
        if (dialog.current !== null) close();
      }}
    >
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}
