import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { LinkSealer } from "../../src/mcp/sealed-link.ts";
import type { LinkContent } from "../../src/mcp/sealed-link.ts";
import { WaitingLinks } from "../../src/mcp/waiting-links.ts";

const sealer = new LinkSealer("0123456789abcdef0123456789abcdef");
const content: LinkContent = { id: "e-1", externalId: "user-1", provider: "google", scopes: ["a", "b"], expiresAt: 1 };

describe("the links of elicitations", () => {
  test("a sealed link opens with its secret, whatever stands in it", () => {
    const text = fc.string({ unit: "grapheme" });
    const contents = fc.record({ id: text, externalId: text, expiresAt: fc.integer() }, { noNullPrototype: true });
    fc.assert(fc.property(contents, (each) => assert.deepEqual(sealer.open(sealer.seal(each)), each)));
  });

  test("a sealed link that was changed in any character opens nothing", () => {
    const sealed = sealer.seal(content);
    const character = fc.constantFrom(..."ABCxyz019-_.~+/= %".split(""));
    fc.assert(
      fc.property(fc.nat(sealed.length), character, fc.boolean(), (at, put, isInserted) => {
        const changed = sealed.slice(0, at) + put + sealed.slice(isInserted ? at : at + 1);
        fc.pre(changed !== sealed);
        assert.equal(sealer.open(changed), undefined);
      }),
    );
    for (const none of ["", "A", "A".repeat(40), "A".repeat(9_000)]) assert.equal(sealer.open(none), undefined);
    assert.equal(new LinkSealer("another secret of 32 characters.").open(sealed), undefined);
  });

  test("two elicitations have two verifiers, and another secret has others", () => {
    const other = new LinkSealer("another secret of 32 characters.");
    const all = [sealer.verifier(content), sealer.verifier({ ...content, id: "e-2" }), other.verifier(content)];
    assert.equal(new Set(all).size, 3);
    for (const each of all) assert.match(each, /^[A-Za-z0-9_-]{43}$/);
  });

  test("ten thousand links are remembered at most, and the oldest are forgotten first", () => {
    const links = new WaitingLinks(({ id }) => id);
    const first = links.for({ externalId: "user-0" }, 0);
    for (let nth = 1; nth < 10_000; nth += 1) links.for({ externalId: `user-${nth}` }, nth);
    assert.equal(links.for({ externalId: "user-0" }, 0).url, first.url);
    links.for({ externalId: "one more" }, 0);
    assert.notEqual(links.for({ externalId: "user-0" }, 0).url, first.url);
  });

  test("the same scopes in another order are the same link", () => {
    const links = new WaitingLinks(({ id }) => id);
    const url = (scopes: string[]): string => links.for({ externalId: "user-1", scopes }, 0).url;
    assert.equal(url(["a", "b"]), url(["b", "a"]));
    assert.notEqual(url(["a", "b"]), url(["a b"]));
  });

  test("twenty clients of a link are told, each once, and one that fails keeps nobody from it", async () => {
    const links = new WaitingLinks(({ id }) => id);
    const told: number[] = [];
    const link = links.for({ externalId: "user-1" }, 0);
    for (let nth = 0; nth < 22; nth += 1) {
      const server = {};
      for (const _twice of [1, 2]) {
        links.notify(link, server, async () => {
          told.push(nth);
          if (nth === 5) throw new Error("gone away");
        });
      }
    }
    await links.done({ externalId: "user-2" });
    assert.deepEqual(told, []);
    await links.done(link.content);
    await links.done(link.content);
    await link.done;
    assert.deepEqual(
      told,
      Array.from({ length: 20 }, (_, nth) => nth + 2),
    );
  });
});
