import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Breakable } from "./parts.tsx";

/** A text that is copied as a whole. */
export function Copy({ text }: { readonly text: string }): JSX.Element {
  const [isCopied, setCopied] = useState(false);
  if (text === "") return <></>;
  const copy = (): void => {
    void navigator.clipboard.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1_500);
    });
  };
  return (
    <span class="copy">
      <code>
        <Breakable text={text} />
      </code>
      <button type="button" class="quiet" onClick={copy} aria-label={`Copy ${text}`}>
        {isCopied ? "Copied" : "Copy"}
      </button>
    </span>
  );
}
