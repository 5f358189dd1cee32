import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Reach } from "../../src/core/reach.ts";
import { beyondMaker, cutToMaker } from "../../src/core/session.ts";

const allow = ["token"];

describe("a session beside its maker", () => {
  // The maker's selectors, those of the session, and the first that is too much.
  const cases: readonly (readonly [readonly string[], readonly string[], string | undefined])[] = [
    [["*"], ["*", "ext:a", "ext:a*", "g_1"], undefined],
    [["ext:team*"], ["ext:team1:*", "ext:team", "ext:team*"], undefined],
    [["ext:team1:*"], ["ext:team*"], "ext:team*"],
    [["ext:team*"], ["*"], "*"],
    [["ext:team"], ["ext:team*"], "ext:team*"],
    [["ext:team*"], ["ext:tea"], "ext:tea"],
    [["ext:team*"], ["ext:TEAM1"], "ext:TEAM1"],
    [["ext:team*"], ["ext:te\u0430m1"], "ext:te\u0430m1"],
    [["ext:caf\u00e9*"], ["ext:cafe\u0301:1"], "ext:cafe\u0301:1"],
    [["ext:a", "ext:b*"], ["ext:a", "ext:b1", "ext:c"], "ext:c"],
    [["g_1"], ["g_1"], undefined],
    [["g_1"], ["ext:a"], "ext:a"],
    [["g_1"], ["*"], "*"],
    [["ext:*"], ["ext:a*"], undefined],
    [["ext:*"], ["*"], "*"],
    [["g_1"], ["g_12"], "g_12"],
  ];
  for (const [makers, own, beyond] of cases) {
    test(`of ${JSON.stringify(own)}, ${beyond ?? "nothing"} is too much for a maker with ${JSON.stringify(makers)}`, async () => {
      const found = await beyondMaker({ allow, grants: own }, { allow, grants: makers }, () => Promise.resolve(false));
      assert.equal(found?.value, beyond);
    });
  }

  test("a permission or provider that the maker has not is too much, and a grant's id is where the maker does not see it", async () => {
    const maker = { allow: ["token", "proxy"], grants: ["ext:a*"], providers: ["google"] };
    const beyond = async (own: Partial<typeof maker>): Promise<string | undefined> =>
      (await beyondMaker({ allow, grants: ["ext:a"], ...own }, maker, (id) => Promise.resolve(id === "g_seen")))?.value;
    assert.equal(await beyond({}), undefined);
    assert.equal(await beyond({ allow: ["proxy", "grants:revoke"] }), "grants:revoke");
    assert.equal(await beyond({ providers: ["google", "slack"] }), "slack");
    assert.equal(await beyond({ providers: ["Google"] }), "Google");
    assert.equal(await beyond({ grants: ["g_seen"] }), undefined);
    assert.equal(await beyond({ grants: ["g_seen", "g_unseen"] }), "g_unseen");
  });

  // Whatever is compared one by one, the whole must fit what both fit, and nothing else.
  test("what is left of a session fits exactly what both its selectors and its maker's fit", () => {
    const texts = ["*", "ext:*", "ext:a*", "ext:ab*", "ext:b*", "ext:a", "ext:ab", "ext:b", "g_1", "g_2"];
    const sets = texts.flatMap((one) => texts.map((other) => [one, other]));
    const ids = [[], ["a"], ["ab"], ["b"], ["a", "b"], ["c"]];
    let seen = 0;
    for (const own of sets) {
      for (const makers of sets) {
        const { grants } = cutToMaker({ allow, grants: own }, { allow, grants: makers });
        const session = new Reach({ grants, session: { makerGrants: makers } });
        for (const grantId of ["g_1", "g_3"]) {
          for (const externalIds of ids) {
            const grant = { grantId, provider: "google" };
            const by = (reach: Reach): readonly string[] | undefined => reach.seenIds(grant, () => externalIds);
            const [narrow, maker, alone] = [session, new Reach({ grants: makers }), new Reach({ grants: own })].map(by);
            const what = JSON.stringify({ own, makers, grantId, externalIds });
            assert.equal(narrow?.every((each) => maker?.includes(each) === true) ?? true, true, what);
            assert.equal(narrow?.every((each) => alone?.includes(each) === true) ?? true, true, what);
            if (narrow !== undefined) assert.ok(maker !== undefined && alone !== undefined, what);
            // By an id that both see, the session sees it, too, but where the maker sees it by the grant's own id alone.
            if (!makers.includes(grantId) && maker?.some((each) => alone?.includes(each) === true) === true)
              assert.ok(narrow !== undefined, what);
            if (narrow !== undefined) seen += 1;
            if (session.hasGrantId(grantId)) assert.ok(narrow !== undefined, what);
          }
        }
      }
    }
    assert.ok(seen > 10_000, `${seen}`);
  });

  test("providers are cut to the maker's, and none of a session's own means the maker's", () => {
    const cut = (own?: string[], makers?: string[]): readonly string[] | undefined =>
      cutToMaker(
        { allow, grants: ["*"], ...(own === undefined ? {} : { providers: own }) },
        { allow, grants: ["*"], ...(makers === undefined ? {} : { providers: makers }) },
      ).providers;
    assert.equal(cut(), undefined);
    assert.deepEqual(cut(undefined, ["google"]), ["google"]);
    assert.deepEqual(cut(["google", "slack"], ["google"]), ["google"]);
    assert.deepEqual(cut(["slack"]), ["slack"]);
    assert.deepEqual(cut(["slack"], ["google"]), []);
  });
});
