/** Which test runs which block of the documentation. A block that no runner takes fails `every-block.test.ts` by name. */
import { globSync, readFileSync } from "node:fs";
import { checkout } from "../support/checkout-bin.ts";
import { blocksOf } from "./fenced-blocks.ts";
import type { Block } from "./fenced-blocks.ts";

export interface PageBlock extends Block {
  /** Path of the page from the root of the checkout. */
  readonly page: string;
}

interface Runner {
  readonly pages: RegExp;
  readonly languages: readonly string[];
  /** The test file within test/, without `.test.ts`. It takes its blocks by `blocksFor` and the runner's name. */
  readonly test?: string;
  /** Why nobody runs them. A page says so in these words, because its reader must know. */
  readonly notRun?: { readonly page: string; readonly says: string };
}

const phones = {
  page: "docs/mobile.md",
  says: "No test of ours runs the samples in Kotlin, Swift, Dart, Java and React Native or Capacitor's TypeScript: they need the platform's tools.",
};
const repository = {
  page: "CONTRIBUTING.md",
  says: "No test runs the commands of this page: they are the tests. That they are there is compared.",
};
const experiments = {
  page: "docs/decisions/README.md",
  says: "No test runs these commands, since each takes minutes; that their programs are there is compared.",
};

const measurements = {
  page: "docs/performance.md",
  says: "No test runs these commands, since they take twenty minutes; that each suite works with small numbers is tested.",
};

const runners = {
  readme: { pages: /^README\.md$/, languages: ["sh", "ts", "text"], test: "docs/readme" },
  "debugging, shell": { pages: /^docs\/debugging\.md$/, languages: ["sh"], test: "docs/contributing" },
  "debugging, trace": { pages: /^docs\/debugging\.md$/, languages: ["text"], test: "docs/contributing" },
  "commit message": { pages: /^CONTRIBUTING\.md$/, languages: ["text"], test: "docs/contributing" },
  deposits: { pages: /^docs\/deposits\.md$/, languages: ["json", "text"], test: "docs/deposits" },
  "deposits, recipes": {
    pages: /^docs\/deposits\.md$/,
    languages: ["sql", "js", "java", "python"],
    test: "docs/deposit-recipes",
  },
  errors: { pages: /^docs\/errors\.md$/, languages: ["sh"], test: "docs/errors-shell" },
  events: { pages: /^docs\/events\.md$/, languages: ["ts", "text", "js"], test: "docs/events" },
  examples: { pages: /^examples\/README\.md$/, languages: ["sh"], test: "docs/examples" },
  frameworks: { pages: /^docs\/frameworks\.md$/, languages: ["ts"], test: "stories/frameworks" },
  "frameworks, shell": { pages: /^docs\/frameworks\.md$/, languages: ["sh"], test: "stories/frameworks" },
  google: { pages: /^docs\/google\.md$/, languages: ["sh"], test: "docs/google" },
  "google-libraries": {
    pages: /^docs\/google-libraries\.md$/,
    languages: ["ts", "sh", "js", "python", "java", "go"],
    test: "docs/google-libraries",
  },
  "http-api": { pages: /^docs\/http-api\.md$/, languages: ["sh", "http"], test: "docs/http-api" },
  clients: { pages: /^docs\/clients\.md$/, languages: ["sh", "json", "python", "go"], test: "docs/clients" },
  "clients, programs": { pages: /^docs\/clients\.md$/, languages: ["ts"], test: "stories/frameworks-agents" },
  "http-api, trusted issuers": { pages: /^docs\/http-api\.md$/, languages: ["json"], test: "docs/trusted-issuers" },
  "connect-links": { pages: /^docs\/connect-links\.md$/, languages: ["ts"], test: "docs/connect-links" },
  library: { pages: /^docs\/library\.md$/, languages: ["ts", "text"], test: "docs/library" },
  "mcp-servers": { pages: /^docs\/mcp-servers\.md$/, languages: ["ts"], test: "stories/mcp-servers" },
  "mobile, answer": { pages: /^docs\/mobile\.md$/, languages: ["json"], test: "docs/mobile" },
  "mobile, web": { pages: /^docs\/mobile\.md$/, languages: ["js"], test: "docs/web-samples" },
  "mobile, phones": {
    pages: /^docs\/mobile\.md$/,
    languages: ["kotlin", "swift", "dart", "java", "ts"],
    notRun: phones,
  },
  monitoring: { pages: /^docs\/monitoring\.md$/, languages: ["yaml"], test: "docs/monitoring" },
  "monitoring, spans": { pages: /^docs\/monitoring\.md$/, languages: ["js"], test: "docs/spans" },
  "operations, shell": { pages: /^docs\/operations\.md$/, languages: ["sh"], test: "docs/operations" },
  "operations, key commands": { pages: /^docs\/operations\.md$/, languages: ["text"], test: "docs/operations" },
  "deployment, unit": { pages: /^docs\/deployment\.md$/, languages: ["ini"], test: "docs/deployment" },
  "deployment, container": {
    pages: /^docs\/deployment\.md$/,
    languages: ["dockerfile", "yaml"],
    test: "docs/deployment",
  },
  "deployment, proxies": {
    pages: /^docs\/deployment\.md$/,
    languages: ["nginx", "caddyfile"],
    test: "docs/deployment",
  },
  providers: { pages: /^docs\/providers\.md$/, languages: ["json", "ts", "text"], test: "docs/providers" },
  "remote-client": { pages: /^docs\/remote-client\.md$/, languages: ["ts", "text"], test: "docs/remote-client" },
  "stand-in, program": { pages: /^docs\/standin\.md$/, languages: ["ts"], test: "standin/documentation" },
  "stand-in, shell": { pages: /^docs\/standin\.md$/, languages: ["sh"], test: "standin/documentation" },
  storage: { pages: /^docs\/storage\.md$/, languages: ["ts", "sql"], test: "docs/storage" },
  "verify-assertion": {
    pages: /^docs\/verify-assertion\.md$/,
    languages: ["sh", "ts", "python", "go", "java", "text"],
    test: "docs/verify-assertion",
  },
  "walkthrough-node": {
    pages: /^docs\/walkthrough-node\.md$/,
    languages: ["sh", "ts", "text"],
    test: "docs/walkthrough-node",
  },
  "walkthrough-service": {
    pages: /^docs\/walkthrough-service\.md$/,
    languages: ["sh", "python", "go", "java", "text"],
    test: "docs/walkthrough-service",
  },
  agents: { pages: /^docs\/agents\.md$/, languages: ["sh", "ts", "text"], test: "docs/agents" },
  "several-instances": {
    pages: /^docs\/several-instances\.md$/,
    languages: ["sh", "ts", "text"],
    test: "docs/several-instances",
  },
  upgrade: { pages: /^docs\/upgrade\.md$/, languages: ["sh"], test: "docs/upgrade" },
  "upgrade, refusal": { pages: /^docs\/upgrade\.md$/, languages: ["text"], test: "docs/upgrade" },
  performance: { pages: /^docs\/performance\.md$/, languages: ["sh"], notRun: measurements },
  "contributing, shell": { pages: /^CONTRIBUTING\.md$/, languages: ["sh"], notRun: repository },
  "decisions, shell": { pages: /^docs\/decisions\//, languages: ["sh"], notRun: experiments },
} satisfies Readonly<Record<string, Runner>>;

export type RunnerName = keyof typeof runners;

export const allRunners: readonly (readonly [name: string, runner: Runner])[] = Object.entries(runners);

/** Every block of every page that a reader may paste from. */
export function allBlocks(): PageBlock[] {
  const pages = globSync(["*.md", "docs/**/*.md", "examples/**/*.md", "{src,tools,bench,test}/**/*.md"], {
    cwd: checkout,
    exclude: ["**/node_modules/**"],
  });
  return pages
    .sort()
    .flatMap((page) =>
      blocksOf(readFileSync(`${checkout}${page}`, "utf8")).map((block) => Object.assign(block, { page })),
    );
}

/** The blocks that a test must run. It runs all of them: what is in here counts as covered. */
export function blocksFor(name: RunnerName): PageBlock[] {
  return allBlocks().filter((block) => takes(runners[name], block));
}

export function takes({ pages, languages }: Runner, { page, language }: PageBlock): boolean {
  return pages.test(page) && languages.includes(language);
}
