/** What samples in other languages need, from Debian's packages and without the network. */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { checkout } from "./checkout-bin.ts";

/** The environment in which the samples of a folder run; puts into the folder what they take from beside them. */
export async function sampleLanguages(folder: string): Promise<Record<string, string | undefined>> {
  const bin = join(folder, ".bin");
  await mkdir(bin);
  // Debian's, which has Debian's packages.
  await writeFile(join(bin, "python3"), '#!/bin/sh\nexec /usr/bin/python3 "$@"\n', { mode: 0o755 });
  await symlink("/usr/share/java/gson.jar", join(folder, "gson.jar"));
  const { HOME, LANG, NODE_COMPILE_CACHE, PATH } = process.env;
  return {
    HOME,
    LANG,
    NODE_COMPILE_CACHE,
    PATH: [bin, dirname(process.execPath), PATH].join(delimiter),
    GO111MODULE: "off",
    GOPATH: "/usr/share/gocode",
    GOCACHE: join(checkout, "node_modules/.cache/go"),
    GOTELEMETRY: "off",
  };
}

/** Debian has another version of go-oidc, which is the same in what the samples use. */
export function withDebiansPackages(text: string): string {
  return text.replace('"github.com/coreos/go-oidc/v3/oidc"', '"github.com/coreos/go-oidc"');
}
