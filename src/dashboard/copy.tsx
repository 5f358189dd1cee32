import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { Breakable } from "./parts.tsx";

/** Copies, and says so for a moment. Where the browser lets no page copy, the text is marked for the keyboard. */
function useCopy(text: string): {
  readonly shown: { readonly current: HTMLElement | null };
  readonly said: "copied" | "marked" | undefined;
  readonly copy: () => void;
} {
  const shown = useRef<HTMLElement>(null);
  const [said, say] = useState<"copied" | "marked" | undefined>(undefined);
  const tell = (what: "copied" | "marked"): void => {
    say(what);
    setTimeout(() => say(undefined), 2_500);
  };
  const mark = (): void => {
    if (shown.current !== null) getSelection()?.selectAllChildren(shown.current);
    tell("marked");
  };
  // Without TLS there is no clipboard, but for this machine itself.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  const copy = (): void => {
    if (clipboard === undefined) mark();
    else clipboard.writeText(text).then(() => tell("copied"), mark);
  };
  return { shown, said, copy };
}

/** A text that is copied as a whole. */
export function Copy({ text }: { readonly text: string }): JSX.Element {
  const { shown, said, copy } = useCopy(text);
  if (text === "") return <></>;
  return (
    <span class="copy">
      <code ref={shown}>
        <Breakable text={text} />
      </code>
      <button type="button" class="quiet" onClick={copy} aria-label={`Copy ${text}`}>
        {said === undefined ? "Copy" : said === "copied" ? "Copied" : "Press Ctrl+C"}
      </button>
      <span class="hidden" role="status">
        {said === undefined ? "" : said === "copied" ? "Copied" : "Marked: press Ctrl+C"}
      </span>
    </span>
  );
}

/** A text that a dialog is for: to copy it is what is done there. */
export function CopyOut({ text, what }: { readonly text: string; readonly what: string }): JSX.Element {
  const { shown, said, copy } = useCopy(text);
  return (
    <div class="copy-out">
      <code ref={shown}>
        <Breakable text={text} />
      </code>
      <button type="button" class="button primary" onClick={copy}>
        {`Copy ${what}`}
      </button>
      <span role="status" class="soft">
        {said === undefined ? "" : said === "copied" ? "Copied." : "Marked: press Ctrl+C."}
      </span>
    </div>
  );
}
