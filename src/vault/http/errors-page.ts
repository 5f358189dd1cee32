import { errorsPageText } from "./errors-page-text.ts";

/**
 * docs/errors.md as an answer: Markdown, or for a browser a plain page in which each code is a section that a link leads
 * to.
 */
export function errorsPage({ headers }: Pick<Request, "headers">): Response {
  const isForBrowser = /\btext\/html\b/i.test(headers.get("accept") ?? "");
  const type = isForBrowser ? "text/html" : "text/markdown";
  return new Response(isForBrowser ? pageOf(errorsPageText) : errorsPageText, {
    headers: { "content-type": `${type}; charset=utf-8`, vary: "accept" },
  });
}

function pageOf(markdown: string): string {
  const [introduction = "", ...sections] = markdown.split(/^## /m);
  const parts = sections.map((section) => {
    const [name = ""] = section.split("\n");
    return `<section id="${escaped(name)}"><h2>${escaped(name)}</h2><pre>${linked(section.slice(name.length).trim())}</pre></section>`;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Errors</title>
<main><pre>${linked(introduction.trim())}</pre>
${parts.join("\n")}</main></html>
`;
}

/** Text with its links within the page. Others lead to files that are not here, and stay text. */
function linked(text: string): string {
  return escaped(text).replaceAll(/\[`([a-z_]+)`\]\(#\1\)/g, '<a href="#$1">$1</a>');
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
