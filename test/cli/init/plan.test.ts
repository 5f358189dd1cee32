import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { planOf } from "../../../src/cli/init/plan.ts";
import type { InitFlags } from "../../../src/cli/init/init-flags.ts";
import { UsageError } from "../../../src/cli/terminal/usage-error.ts";
import { isOnbehalfError } from "../../../src/index.ts";
import { SecretPlanter, findPlanted, secretKinds } from "../../support/planted-secrets.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("the plan of init", () => {
  test("the plan of init: paths are whole, the stand-in has its usual address, and the first caller may do little", () => {
    const { files, settings, caller, allow, standin } = planOf({ standin: true, dir: "/srv/x" });
    assert.deepEqual(files, {
      settings: "/srv/x/onbehalf.env",
      key: "/srv/x/master.key",
      caller: "/srv/x/app.key",
      client: "/srv/x/client_secret.json",
      store: "/srv/x/onbehalf.db",
    });
    assert.deepEqual(settings, {
      store: "sqlite:/srv/x/onbehalf.db",
      keyFile: "/srv/x/master.key",
      clientSecretFile: "/srv/x/client_secret.json",
      googleBaseUrl: "http://127.0.0.1:4600",
    });
    assert.deepEqual([caller, allow, standin], ["app", ["token", "grants:read"], "http://127.0.0.1:4600"]);
  });

  test("the plan of init: a store that is named is nowhere else, and a relative path in it becomes whole", () => {
    for (const [store, expected] of [
      ["sqlite:data/x.db", join(process.cwd(), "data/x.db")],
      ["sqlite:/srv/x.db", "/srv/x.db"],
    ] as const) {
      const { files, settings } = planOf({ standin: true, store });
      assert.equal(settings.store, `sqlite:${expected}`);
      assert.equal(files.store, undefined);
    }
    for (const store of ["sqlite::memory:", "postgres://ada@db/grants", "sqlite:///srv/x.db", "mysql://x"]) {
      assert.equal(planOf({ standin: true, store }).settings.store, store);
    }
  });

  test("the plan of init: what is refused is not repeated where it looks like a secret", async (t) => {
    const folder = await temporaryFolder(t);
    const planter = new SecretPlanter();
    for (const kind of secretKinds) {
      const planted = planter.plant(kind);
      const path = join(folder, `${planter.planted}.json`);
      await writeFile(path, `{"web":{"client_secret":"${planted}"}}`);
      const flags: InitFlags[] = [
        { standin: true, caller: `${planted} ` },
        { standin: true, allow: planted },
        { clientSecretFile: planted },
        { clientSecretFile: path },
      ];
      for (const each of flags) {
        assert.throws(
          () => planOf(each),
          (error) => {
            assert.ok(error instanceof UsageError || isOnbehalfError(error, "configuration_invalid"), String(error));
            assert.equal(findPlanted(`${error.message} ${error.hint}`), undefined, JSON.stringify(each));
            return true;
          },
        );
      }
    }
  });
});
