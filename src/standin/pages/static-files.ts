import type { Handler } from "../http/messages.ts";
import type { Route } from "../http/router.ts";
import { assetFiles } from "./asset-files.ts";

const types = { css: "text/css", js: "text/javascript", svg: "image/svg+xml" };

/** A file that is served as it is. */
export function file(name: string): Handler {
  const body = Buffer.from(assetFiles.get(name) ?? "");
  const ending = name.slice(name.lastIndexOf(".") + 1) as keyof typeof types;
  const headers = {
    "content-type": `${types[ending]}; charset=utf-8`,
    "cache-control": "no-cache",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
  };
  return () => ({ status: 200, headers, body, note: { outcome: "served" } });
}

/** The files that the pages of every kind load. */
export function staticFileRoutes(): Route[] {
  return [
    { at: ["/pages/pages.css"], GET: file("pages.css") },
    { at: ["/pages/mark.svg"], GET: file("mark.svg") },
  ];
}
