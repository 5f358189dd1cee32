/** Prometheus' text format, read strictly: what it does not allow is an error. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ScrapedFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/**
 * The families of an answer of `/metrics`, by their names.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function metricsIn(text: string): Map<string, ScrapedFamily> {
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>();
  const seen = new Set<string>();
  let current = "";
  if (!text.endsWith("\n")) throw new Error("the last line must end");
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, what, name = "", rest = ""] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line) ?? [];
    if (what === "HELP") {
      if (families.has(name)) throw new Error(`${name} is told of twice`);
      families.set((current = name), { type: "", help: rest, samples: [] });
    } else if (what === "TYPE") {
      const family = families.get(name);
      if (family === undefined || name !== current) throw new Error(`the type of ${name} does not follow its help`);
      family.type = rest;
    } else {
      const sample = sampleIn(line);
      const family = families.get(current);
      const own = sample.name === current || sample.name.replace(/_(?:bucket|sum|count)$/, "") === current;
      if (family === undefined || !own) throw new Error(`${sample.name} stands outside its family`);
      const series = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).map(String).sort())}`;
      if (seen.has(series)) throw new Error(`${line} is told of twice`);
      seen.add(series);
      family.samples.push(sample);
    }
  }
  return families;
}

function sampleIn(line: string): Sample {
  const [, name, among = "", value = ""] =
    /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined) throw new Error(`this is no sample: ${line}`);
  const pairs = [...among.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"/g)].map(([, label = "", text = ""]) => [
    label,
    text.replaceAll(/\\([\\"n])/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped)),
  ]);
  const number = value === "+Inf" ? Infinity : value === "-Inf" ? -Infinity : Number(value);
  if (Number.isNaN(number) && value !== "NaN" && value !== "Nan") throw new Error(`this is no number: ${line}`);
  return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: number };
}

/** The value of one sample; undefined where there is none with these labels. */
export function valueOf(
  families: ReadonlyMap<string, ScrapedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ""));
  return family?.samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )?.value;
}
