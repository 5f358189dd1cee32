/**
 * Bundles the programs of `onbehalf serve` in dist/, in their places: finding and loading some hundred files takes longer
 * than all else at its start. What the package exports stays a file each, and no process loads both.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build as bundle } from "esbuild";
import type { BuildOptions, Metafile, Plugin } from "esbuild";

/**
 * Each is a program of its own, which runs in a process that loads no other file of ours. What is loaded later or never, such
 * as a driver, stands in `bundled/` then, unless it is little. All files are as deep in dist/ as each other.
 */
const programs: Readonly<Record<string, BuildOptions>> = {
  "cli/serve/program": { splitting: false },
  "cli/serve/flags-program": { splitting: false },
  "cli/serve/serving-program": { chunkNames: "bundled/serving/[name]-[hash]" },
  "service/keeper/process": { chunkNames: "bundled/keeper/[name]-[hash]" },
  "service/secrets/holder": { splitting: false },
};

export async function bundlePrograms(dist: string = "dist"): Promise<void> {
  const built = await Promise.all(
    Object.entries(programs).map(([program, options]) =>
      bundle({
        entryPoints: [join(dist, `${program}.js`)],
        outdir: dist,
        outbase: dist,
        allowOverwrite: true,
        bundle: true,
        splitting: true,
        platform: "node",
        format: "esm",
        target: "node24",
        // Names in stack traces stay, and the map says the rest.
        minifyWhitespace: true,
        sourcemap: "linked",
        sourcesContent: false,
        metafile: true,
        logLevel: "warning",
        inject: [join(dist, "service/source-places.js")],
        // Some of the packages are CommonJS, and ask for Node's modules by a function that a module does not have.
        banner: { js: `const require=process.getBuiltinModule("node:module").createRequire(import.meta.url);` },
        external: ["pg-native"],
        plugins: [apart, telemetry, withoutHttp2, builtins, withPlaces, withoutUnused],
        ...options,
      }),
    ),
  );
  mkdirSync(join(dist, "bundled"), { recursive: true });
  writeFileSync(join(dist, "bundled/LICENSES.txt"), licensesOf(built.map(({ metafile = none }) => metafile)));
}

const none: Metafile = { inputs: {}, outputs: {} };

/** What stays a file of its own: a program that another one goes on as, and pages, which are a megabyte of data. */
const apart: Plugin = {
  name: "apart",
  setup: (build) => {
    for (const file of [
      "cli/serve/serving-program.js",
      "cli/serve/flags-program.js",
      "service/pages/pages.js",
      "service/http/dashboard/page-files.js",
    ]) {
      build.onResolve({ filter: new RegExp(`/${basename(file)}$`) }, ({ kind }) =>
        kind === "dynamic-import" ? { path: `../../${file}`, external: true } : undefined,
      );
    }
  },
};

/** An SDK's API is the copy that is installed, which the SDK has used as well. Loaded only where there is an SDK. */
const telemetry: Plugin = {
  name: "telemetry",
  setup: (build) => {
    build.onResolve({ filter: /^@opentelemetry\/api$/ }, ({ path, kind }) =>
      kind === "dynamic-import" ? { path, external: true } : undefined,
    );
  },
};

/** `@hono/node-server` asks whether a request came by HTTP/2. A service listens for none, and loading that takes long. */
const withoutHttp2: Plugin = {
  name: "without-http2",
  setup: (build) => {
    build.onResolve({ filter: /^node:http2$/ }, ({ path }) => ({ path, namespace: "without-http2" }));
    build.onLoad({ filter: /.*/, namespace: "without-http2" }, () => ({
      contents: "export class Http2ServerRequest {} export const constants = {};",
    }));
  },
};

/**
 * A module that imports one of Node's makes Node read all that it exports. Some of that is loaded when it is read: with `node:http` a
 * client for HTTP and web sockets, with TLS, whose loading takes longer than the rest of a start; with `node:fs` its other
 * interface and what reads lines; with `node:process` the streams. Who asks by a function gets what is there.
 */
const builtins: Plugin = {
  name: "builtins",
  setup: (build) => {
    build.onResolve({ filter: /^(?:node:)?(?:crypto|fs|http|module|process|stream)$/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "builtins", sideEffects: false } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "builtins" }, ({ path }) => {
      const builtin = process.getBuiltinModule(path) as object;
      const names = Object.entries(Object.getOwnPropertyDescriptors(builtin)).flatMap(([name, property]) =>
        property.get === undefined && /^[a-z_$][\w$]*$/i.test(name) && name !== "default" ? name : [],
      );
      const contents =
        `const all = process.getBuiltinModule(${JSON.stringify(path)});\n` +
        `export default all;\nexport const { ${names.join(", ")} } = all;`;
      return { contents };
    });
  },
};

/** The module that knows the programs' files by its own place has another one here. */
const withPlaces: Plugin = {
  name: "with-places",
  setup: (build) => {
    build.onLoad({ filter: /[\\/]service[\\/]programs\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replaceAll(
        "import.meta.url",
        'new URL("../../service/programs.js", import.meta.url).href',
      ),
    }));
  },
};

/** A module of ours does nothing when it is imported, but for programs: one of which nothing is used is left out. */
const withoutUnused: Plugin = {
  name: "without-unused",
  setup: (build) => {
    build.onResolve({ filter: /^\.\.?\// }, async ({ path, pluginData, ...from }) => {
      if (pluginData === "asked" || /node_modules/.test(from.importer) || from.kind === "entry-point") return undefined;
      const found = await build.resolve(path, { ...from, pluginData: "asked" });
      return { ...found, sideEffects: false };
    });
  },
};

/** The licenses of the packages of which something is in the bundles, as each of them asks for. */
function licensesOf(built: readonly Metafile[]): string {
  const outputs = built.flatMap((each) => Object.values(each.outputs));
  const used = outputs.flatMap(({ inputs }) => Object.keys(inputs));
  const folders = new Set(used.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  return [...folders]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
        readonly name: string;
        readonly version: string;
        readonly license: string;
      };
      return `${name} ${version} (${license})\n\n${licenseIn(folder)}\n`;
    })
    .join(`${"-".repeat(80)}\n\n`);
}

function licenseIn(folder: string): string {
  const name = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  // Some have it in their package.json alone.
  return name === undefined ? "The package comes without its text." : readFileSync(join(folder, name), "utf8").trim();
}
