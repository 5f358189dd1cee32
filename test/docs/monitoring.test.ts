import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { serviceMetrics } from "../../src/service/index.ts";
import { families } from "../../src/service/metrics/families.ts";
import { metricsIn } from "../support/metrics-text.ts";
import { needsProgram } from "../support/installed-programs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testService } from "../support/test-service.ts";
import { sharedStandin } from "../support/test-vault.ts";
import { blocksFor } from "./block-runners.ts";

const shared = await sharedStandin();
after(() => shared.standin.close());

const page = readFileSync(new URL("../../docs/monitoring.md", import.meta.url), "utf8");
const [, , rising = ""] = page.split(/^## /m);

interface Row {
  readonly labels: readonly string[];
  readonly type: string;
  readonly of: string;
}

const rows = new Map<string, Row>(
  [...page.matchAll(/^\| `(onbehalf_\w+)`\s*\|([^|]*)\|\s*(\w+)\s*\|\s*(\w+)\s*\|/gm)].map(
    ([, name = "", labels = "", type = "", of = ""]) => [
      name,
      { labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = ""]) => label), type, of },
    ],
  ),
);

describe("docs/monitoring.md", () => {
  test("docs/monitoring.md: its metrics are those of a real scrape, with their types and labels", async (t) => {
    const service = await testService(t, { shared, metrics: serviceMetrics(), metricsPort: 0 });
    const grant = await service.grant();
    await service.ask(`/v1/grants/${grant.grantId}/token`);
    const scraped = metricsIn(await (await fetch(service.server.metricsUrl ?? "")).text());
    const own = [...scraped].filter(([name]) => !/^(?:process|nodejs)_/.test(name));
    assert.deepEqual(own.map(([name]) => name).sort(), [...rows.keys()].sort());
    for (const [name, { type, help, samples }] of own) {
      const row = rows.get(name);
      assert.equal(row?.type, type, name);
      assert.notEqual(help, "", name);
      for (const { labels } of samples) {
        const known = Object.keys(labels).filter((label) => label !== "le");
        assert.deepEqual(known.sort(), [...(row?.labels ?? [])].sort(), name);
      }
    }
  });

  test("docs/monitoring.md: of whom each metric is, is said as the code says it", () => {
    const said = Object.fromEntries([...rows].map(([name, { type, of }]) => [name, { type, of }]));
    const known = Object.fromEntries(Object.entries(families).map(([name, { type, of }]) => [name, { type, of }]));
    assert.deepEqual(said, known);
  });

  test("docs/monitoring.md: what may rise is a metric, with labels that it has", () => {
    const named = [...page.matchAll(/`(onbehalf_\w+)(?:\{([^}]*)\})?`/g)];
    assert.ok(rising.length > 0 && named.length > rows.size);
    for (const [, name = "", among = ""] of named) {
      const row = rows.get(name);
      assert.ok(row, name);
      for (const [, label = ""] of among.matchAll(/(\w+)="/g))
        assert.ok(row.labels.includes(label), `${name}: ${label}`);
    }
  });

  test("docs/monitoring.md: Prometheus takes the configuration that it shows", needsProgram("promtool"), async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, "prometheus.key"), "obk_none");
    for (const { text } of blocksFor("monitoring")) {
      await writeFile(join(folder, "prometheus.yml"), text);
      const { status, stderr, stdout } = spawnSync("promtool", ["check", "config", join(folder, "prometheus.yml")], {
        encoding: "utf8",
      });
      assert.equal(status, 0, stdout + stderr);
    }
  });
});
