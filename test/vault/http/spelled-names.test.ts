import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOnbehalfError } from "../../../src/index.ts";
import type { Permission } from "../../../src/index.ts";
import { isSelector } from "../../../src/core/reach.ts";
import { permissions } from "../../../src/vault/http/callers.ts";
import { bentProvider } from "../../support/bent-provider.ts";
import { fails } from "../../support/fails.ts";
import { testVault } from "../../support/test-vault.ts";

/** Texts that somebody, a database or a file system might take for one another. */
const alike: Readonly<Record<string, readonly string[]>> = {
  "in capitals": ["user-a", "USER-A", "User-a"],
  "in white space": ["user a", "user  a", " user a", "user a ", "user\u00a0a", "usera"],
  "in Unicode form": ["caf\u00e9", "cafe\u0301", "cafe", "CAFE\u0301"],
  "in width": ["user1", "user\uff11", "\uff55ser1"],
  "in what is not seen": ["user", "us\u200ber", "user\u200b", "\u2060user", "us\u00ader", "\ufeffuser"],
  "in letters of other scripts": ["scope", "ѕcope", "scоpe"],
  "in ligatures and case without a pair": ["fi", "ﬁ", "ß", "ss", "ı", "i", "İ", "K", "\u212a"],
  "in encoding": ["a/b", "a%2Fb", "a%2fb", "a\\b", "a+b", "a b"],
  "in numbers": ["1", "01", "1.0", "+1", "1e0"],
  "in dots": ["a", "a.", ".a", "./a", "a/."],
  "in the words of JavaScript": ["__proto__", "constructor", "toString", "null", "undefined", ""],
};

describe("external ids that look alike", () => {
  for (const [how, ids] of Object.entries(alike)) {
    test(`external ids that differ ${how} are different users, each with a grant of its own`, async (t) => {
      const { vault, connect } = await bentProvider(t);
      const made = new Map<string, string>();
      for (const [n, externalId] of ids.entries()) {
        if (externalId === "") continue;
        made.set(externalId, (await connect(`person-${n}/1`, { externalId })).grantId);
      }
      assert.equal(new Set(made.values()).size, made.size);
      for (const [externalId, grantId] of made) {
        const grant = await vault.grant({ externalId });
        assert.deepEqual([grant.grantId, grant.externalId], [grantId, externalId]);
      }
    });

    test(`selectors that differ ${how} see one user's grant, and no other's`, async (t) => {
      const { vault, connect } = await bentProvider(t);
      const known = ids.filter((id) => id !== "");
      for (const [n, externalId] of known.entries()) await connect(`person-${n}/1`, { externalId });
      for (const [n, externalId] of known.entries()) {
        // White space at an end, and what is not seen, is more likely a slip: such a selector is refused.
        if (!isSelector(`ext:${externalId}`)) continue;
        const { caller } = await vault.callers.create(`c${n}`, { allow: permissions, grants: [`ext:${externalId}`] });
        const view = vault.forCaller(caller);
        for (const other of known) {
          const [answer] = await Promise.allSettled([view.getAccessToken({ externalId: other })]);
          assert.equal(answer.status === "fulfilled", other === externalId, `${externalId} sees ${other}`);
        }
        const { grants } = await view.grants({});
        assert.deepEqual(
          grants.map((grant) => grant.externalId),
          [externalId],
        );
      }
    });
  }
});

describe("callers whose names look alike", () => {
  test("callers whose names differ in capitals are two: each has its own rights, and ends alone", async (t) => {
    const { open } = await testVault(t);
    const { callers } = await open();
    const lower = await callers.create("root", { allow: ["token"] });
    const upper = await callers.create("ROOT", { allow: ["grants:read"] });
    const rightsOf = async (key: { expose(): string }): Promise<readonly Permission[]> =>
      (await callers.authenticate(`Bearer ${key.expose()}`)).allow;
    assert.deepEqual([await rightsOf(lower.key), await rightsOf(upper.key)], [["token"], ["grants:read"]]);
    assert.equal(await callers.revoke("Root"), false);
    assert.equal(await callers.revoke("ROOT"), true);
    assert.deepEqual(await rightsOf(lower.key), ["token"]);
    await assert.rejects(rightsOf(upper.key), fails("unauthorized"));
  });

  test("a caller's name with anything around or in it that is not seen is refused", async (t) => {
    const { open } = await testVault(t);
    const { callers } = await open();
    await callers.create("mailer", { allow: ["token"] });
    for (const name of [
      " mailer",
      "mailer ",
      "mail er",
      "mailer\n",
      "mailer\0",
      "mail\u200ber",
      "ma\u00ecler",
      "ｍailer",
    ]) {
      await assert.rejects(callers.create(name, { allow: ["token"] }), fails("invalid_request"), JSON.stringify(name));
      assert.equal(await callers.revoke(name), false, JSON.stringify(name));
    }
  });

  test("a permission in another spelling is none, and gives no key", async (t) => {
    const { open } = await testVault(t);
    const { callers } = await open();
    const spellings = permissions.flatMap((each) => [
      each.toUpperCase(),
      `${each} `,
      ` ${each}`,
      `${each}\n`,
      `${each}\0`,
      each.replace(":", "："),
      `${each},token`,
      `${each[0]?.toUpperCase() ?? ""}${each.slice(1)}`,
    ]);
    const wrong = [...spellings, "*", "root", "all", "grants:*", "", "__proto__"].filter(
      (each) => !permissions.includes(each as Permission),
    );
    for (const each of wrong) {
      await assert.rejects(
        callers.create("app", { allow: [each as Permission] }),
        fails("invalid_request"),
        JSON.stringify(each),
      );
    }
    assert.deepEqual(await callers.list(), []);
  });

  test("a key in another spelling opens nothing", async (t) => {
    const { open } = await testVault(t);
    const { callers } = await open();
    const { key } = await callers.create("app", { allow: ["token"] });
    const plain = key.expose();
    for (const header of [
      `Bearer ${plain.toUpperCase()}`,
      `Bearer ${plain}x`,
      `Bearer ${plain.slice(0, -1)}`,
      `Bearer ${plain} ${plain}`,
      `Bearer ${plain},Bearer ${plain}`,
      `Bearer ${plain.replaceAll("_", "-")}`,
      `Bearer\u00a0${plain}`,
      `Basic ${plain}`,
      `Basic ${Buffer.from(`app:${plain}`).toString("base64")}`,
      plain,
      "Bearer",
      "Bearer ",
      "Bearer %",
      "Bearer %E0%A4%A",
      "",
      "\0",
    ]) {
      await assert.rejects(callers.authenticate(header), (error) => {
        assert.ok(isOnbehalfError(error) && error.code === "unauthorized", JSON.stringify(header));
        assert.ok(!`${error.message}${error.hint}`.includes(plain));
        return true;
      });
    }
  });
});
