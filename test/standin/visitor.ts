import assert from "node:assert/strict";

/** A form of a page, as a person without scripts would send it. */
export interface Form {
  readonly action: string;
  readonly fields: readonly [name: string, value: string][];
  /** Values of the boxes, all of them ticked. */
  readonly boxes: readonly string[];
}

const unescaped = (text: string): string =>
  text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");

function attributes(tag: string): Record<string, string> {
  const found = [...tag.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].slice(1);
  return Object.fromEntries(found.map(([, name = "", value = ""]) => [name, unescaped(value)]));
}

/** The forms of a page. */
export function formsIn(page: string): Form[] {
  return [...page.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/g)].map(([markup]) => {
    const inputs = [...markup.matchAll(/<input\b[^>]*>/g)].map(([tag]) => attributes(tag));
    const named = inputs.filter((input) => input["name"] !== undefined && input["type"] !== "email");
    const open = attributes(/<form\b[^>]*>/.exec(markup)?.[0] ?? "");
    assert.equal(open["method"], "post");
    return {
      action: open["action"] ?? "",
      fields: named
        .filter((input) => input["type"] !== "checkbox" || input["checked"] !== undefined)
        .map((input) => [input["name"] ?? "", input["value"] ?? ""]),
      boxes: named.filter((input) => input["type"] === "checkbox").map((input) => input["value"] ?? ""),
    };
  });
}

/** A browser without scripts: opens pages and sends forms, and stops where a redirect leaves the site. */
export class Visitor {
  page = "";
  status = 0;
  /** Where the last answer sent us, if it did. */
  location: string | undefined;
  #base = "";

  async open(url: string): Promise<void> {
    this.#base = url;
    await this.#arrive(await fetch(url, { redirect: "manual" }));
  }

  async #arrive(response: Response): Promise<void> {
    this.status = response.status;
    this.location = response.headers.get("location") ?? undefined;
    this.page = await response.text();
  }

  form(action: string): Form | undefined {
    return formsIn(this.page).find((form) => form.action === action);
  }

  /** Sends the first form with this action, as it stands but for `changes` and the boxes in `untick`. */
  async submit(action: string, changes: Record<string, string>, untick: readonly string[] = []): Promise<void> {
    const form = this.form(action);
    assert.ok(form, `no form ${action} in ${this.page}`);
    const kept = form.fields.filter(([name, value]) => !(name in changes) && !untick.includes(value));
    const body = new URLSearchParams([...kept, ...Object.entries(changes)]);
    await this.#arrive(await fetch(new URL(action, this.#base), { method: "POST", body, redirect: "manual" }));
  }
}
