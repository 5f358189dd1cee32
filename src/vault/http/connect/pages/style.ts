/** The style of all pages, inlined in each. The policy names it by its hash, so not a space of it may be moved. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #f4f1ea; --card: #fffdf9; --line: #ddd6c8; --ink: #20262b; --soft: #59616a;
  --accent: #14545a; --on-accent: #fff; --hover: #0e4247; --tint: #e6efec; --care: #fbf0d9; --care-line: #d9b565;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #13171b; --card: #1b2026; --line: #3a424c; --ink: #ebe8e1; --soft: #a8afb8;
    --accent: #7fd6c6; --on-accent: #08211f; --hover: #a4e4d8; --tint: #20322f; --care: #2d2717; --care-line: #7d682f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-block-size: 100vh; padding: 2rem 1rem; display: grid; align-content: center; justify-items: center;
  background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Apple SD Gothic Neo", "Malgun Gothic", "Noto Sans KR", "Liberation Sans", sans-serif;
}
:lang(ko) { word-break: keep-all; }
main {
  inline-size: 100%; max-inline-size: 30rem; padding: 2.25rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 1.25rem; overflow-wrap: anywhere;
}
h1, h2, p, dl, dd, ul { margin: 0; }
h1 { font-size: 1.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; text-wrap: balance; }
h2 { margin-block: 1.75rem 0.5rem; font-size: 1rem; font-weight: 650; }
p { text-wrap: pretty; }
h1 + p { margin-block-start: 0.75rem; }
.soft { color: var(--soft); font-size: 0.875rem; }
.way { margin-block-start: 1.5rem; border: 1px solid var(--line); border-radius: 0.875rem; }
.way div { position: relative; padding: 0.875rem 1rem 0.875rem 4.25rem; overflow: clip; }
.way div + div { border-block-start: 1px solid var(--line); }
.way .glyph { position: absolute; inset-block-start: 1rem; inset-inline-start: 1rem; }
.way dt { color: var(--soft); font-size: 0.875rem; }
.name { font-weight: 600; }
.glyph {
  box-sizing: content-box; padding: 0.4375rem; border-radius: 0.75rem; background: var(--tint); stroke: var(--accent);
  fill: none; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round;
}
main > .glyph { display: block; margin-block-end: 1.25rem; }
ul { padding: 0; list-style: none; }
li { position: relative; padding-block: 0.25rem; padding-inline-start: 1.75rem; }
li::before {
  content: ""; position: absolute; inset-block-start: 0.625rem; inset-inline-start: 0.25rem; inline-size: 0.75rem;
  block-size: 0.375rem; border: solid var(--accent); border-width: 0 0 2px 2px; transform: rotate(-45deg);
}
code { font: 0.875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
ul + .soft { margin-block-start: 0.5rem; }
.warning { margin-block: 1.75rem; padding: 0.875rem 1rem; background: var(--care); border: 1px solid var(--care-line); border-radius: 0.875rem; }
.note { margin-block: 1.75rem; }
.warning h2 { margin-block: 0 0.25rem; }
form { display: grid; gap: 0.75rem; }
button, .button {
  display: block; inline-size: 100%; min-block-size: 3rem; padding: 0.75rem 1.25rem; border: 1px solid var(--accent);
  border-radius: 0.875rem; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; line-height: 1.375;
  text-align: center; text-decoration: none; text-wrap: balance; cursor: pointer;
}
button:hover, .button:hover { background: var(--hover); border-color: var(--hover); }
.quiet { border-color: var(--line); background: none; color: var(--accent); }
.quiet:hover { border-color: var(--accent); background: none; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
p + p { margin-block-start: 1.25rem; }
.glyph + .soft { margin-block-end: 0.25rem; }
.back { margin-block-start: 1.5rem; }
.message { margin-block-start: 1.5rem; padding: 0.875rem 1rem; border: 1px solid var(--line); border-radius: 0.875rem; }
.message dt { color: var(--soft); font-size: 0.875rem; }
@media (max-width: 30rem) {
  body { padding: 0; background: var(--card); align-content: start; }
  main { padding: 1.75rem 1.25rem 2rem; border: 0; border-radius: 0; }
}
`;
