/** The page for whoever wants to know how far Onbehalf goes, made of measured costs and of runs of the fleet. */
import { expiries } from "./expiries.ts";
import type { Spread } from "./figures.ts";
import type { Result } from "./result.ts";
import { scenarios } from "./scenarios.ts";
import type { MeasuredCosts } from "./unit-costs.ts";
import { onServer } from "./unit-costs.ts";

export function scalePage(costs: MeasuredCosts, results: ReadonlyMap<string, Result>): string {
  const day = results.get("day");
  if (day === undefined) throw new TypeError("there is no result of an ordinary day: npm run fleet -- --write");
  return [
    head,
    needs(costs, day),
    ends(costs, day),
    fleet([...results.values()]),
    lessons(costs, day, results.get("day-by-grant"), results.get("cold")),
    database,
    beyond,
    quotas(day),
  ].join("\n\n");
}

const head = `# Scale

You expect a million people, or a hundred million: what must your machines, your database and the provider bear, and where does
one PostgreSQL end?

Each figure here is measured, simulated or said to be assumed. What a step costs PostgreSQL is in
\`tools/fleet/unit-costs.json\` (\`node tools/fleet/measure.ts\`); the runs are in \`tools/fleet/results/\` (\`npm run fleet -- --write\`);
\`npm run fleet:page\` makes this page of both, and a test compares. What your services themselves cost stands in
[Performance](performance.md); how to run several in [Several instances](several-instances.md).`;

/** A number as people write it. */
function count(value: number): string {
  if (value >= 1e9) return `${short(value / 1e9)} billion`;
  if (value >= 1e6) return `${short(value / 1e6)} million`;
  return value >= 10_000 ? short(value).replace(/\B(?=(\d{3})+$)/g, ",") : short(value);
}

/** The same, of what is not known to more than two digits. */
function about(value: number): string {
  return count(Number(value.toPrecision(2)));
}

function short(value: number): string {
  if (value === 0) return "0";
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)));
}

function size(bytes: number): string {
  return bytes >= 1e12
    ? `${short(bytes / 1e12)} TB`
    : bytes >= 1e9
      ? `${short(bytes / 1e9)} GB`
      : `${short(bytes / 1e6)} MB`;
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n");
}

interface Load {
  readonly grants: number;
  readonly mean: number;
  readonly peak: number;
}

/** What so many grants need where they are used as in the simulated day, and where all are used around the clock. */
function loads(day: Result, grants: number): readonly [Load, Load] {
  const factor = grants / day.run.grants;
  const mean = (day.exchanges.total / day.run.hours / 3_600) * factor;
  const all = expiries(grants);
  return [
    { grants, mean, peak: day.exchanges.perSecond.p99 * factor },
    { grants, mean: all, peak: all * 1.2 },
  ];
}

function needs(costs: MeasuredCosts, day: Result): string {
  const columns = [1e6, 1e7, 1e8].flatMap((grants) => loads(day, grants));
  const row = (what: string, of: (load: Load) => string): string[] => [what, ...columns.map(of)];
  const headings = [1e6, 1e7, 1e8].flatMap((grants) => [`${count(grants)}: ordinary`, `all in use`]);
  const cores = (perSecond: number, ms: number): number => (perSecond * ms) / 1_000;
  return `## What it takes

_Ordinary_ is the day that is simulated below: ${short(Math.max(...day.usedByHour))} % of the grants are used in the busiest hour,
${short(Math.min(...day.usedByHour))} % in the quietest. _All in use_ is every grant, around the clock, its token refreshed whenever
it has reached 70 to 85 % of an hour.

${table(
  ["", ...headings],
  [
    row("refreshes a second, mean", ({ mean }) => count(mean)),
    row("the same, in one of 100 seconds", ({ peak }) => count(peak)),
    row("exchanges a day at the provider", ({ mean }) => count(mean * 86_400)),
    row("the database's processors then", ({ peak }) =>
      coresText(cores(peak, costs.attemptAndCommit), cores(peak, costs.attemptAndCommitAlone)),
    ),
    row("its log then, a second", ({ peak }) => size(peak * costs.logBytesARefresh)),
    row("its size", ({ grants }) => size(grants * costs.diskBytesAGrant)),
    row("rows of refreshes in the audit log, a day", ({ mean }) => size(mean * 86_400 * costs.auditBytesARefresh)),
  ],
)}

- Processors: the smaller figure where refreshes come together and share transactions, as they do on a busy fleet; the larger one
  where each comes by itself. Reads and looks for changes come on top: below.
- Each service has room for ${count(day.run.tokensInMemory)} tokens in that day. With room for all that are in use there are a third more refreshes, since a
  token in memory is refreshed ahead.
- The log is measured without images of whole pages. With them, the minutes after a checkpoint write several times as much.
- Each first use of a token by a caller is another row of the audit log. \`onbehalf audit prune\` takes old rows out:
  [Operations](operations.md#the-audit-log).
- Memory: tokens in use are kept by each service, up to a limit that you set. What does not fit is read from the database.`;
}

function coresText(least: number, most: number): string {
  return `${short(least)} to ${short(most)}`;
}

function ends(costs: MeasuredCosts, day: Result): string {
  const { cores, flush } = onServer(costs);
  const { services } = day.run;
  const each = costs.attemptAndCommit + services * costs.change;
  const most = (cores * 0.7 * 1_000) / each;
  return `## Where one PostgreSQL ends

On a server of ${cores} processors, used to 70 %, with ${services} services, and a disk that flushes in ${flush} ms (assumed: a good network disk):

| what | costs | so it ends at |
| --- | --- | --- |
| processor time | ${costs.attemptAndCommit} ms a refresh, and ${costs.change} ms for each service that reads the change | about ${about(most)} refreshes a second |
| commits one after another | each that changes grants holds the counter of changes and the end of the audit log until it is on disk | ${count(1_000 / flush)} such transactions a second, each with all that a service has gathered meanwhile; it ends nothing, but a write waits for those of other services |
| the log | ${size(costs.logBytesARefresh * 1_000)} for 1,000 refreshes | ${size(most * costs.logBytesARefresh)} a second at that rate |
| size | ${short(costs.diskBytesAGrant / 1_000)} KB a grant | what you want to back up: 100 million grants are ${size(1e8 * costs.diskBytesAGrant)} |
| services | each reads every change: ${costs.change} ms | ${short(costs.attemptAndCommit / costs.change)} services cost as much in changes as the refreshes themselves |

So, by the sum of its costs, one server carries ${about(most / expiries(1))} grants that are all in use around the clock, or ${about((most * day.run.grants) / day.exchanges.perSecond.p99)}
that are used as on the ordinary day. Nobody has run that: with a quarter of it you are on the safe side. Before you reach it, ask
the provider: its quota ends sooner for most.`;
}

const spread = ({ p50, p99, peak }: Spread): string => `${count(p50)} / ${count(p99)} / ${count(peak)}`;

function fleet(results: readonly Result[]): string {
  const order = Object.keys(scenarios);
  const all = results
    .filter(({ run }) => run.routing === "any")
    .toSorted((one, other) => order.indexOf(one.run.scenario) - order.indexOf(other.run.scenario));
  const rotating = (result: Result): string => {
    const { rotation } = result.run;
    if (rotation === "none") return "";
    return rotation === "strict"
      ? "; each refresh token works once"
      : `; old refresh tokens work for ${rotation.graceSeconds} s more`;
  };
  const seconds = (ms: number): string => (ms < 1_000 ? `${ms} ms` : `${short(ms / 1_000)} s`);
  const rows = all.map((result) => {
    const { run, exchanges, callers, queues, database, requests } = result;
    return [
      `${result.what}${rotating(result)} (${count(run.grants)} grants, ${run.hours} h)`,
      `${count(exchanges.total)}, ${exchanges.shareOfExpiries} %`,
      spread(requests.perSecond),
      `${count(callers.waited.count)}: ${seconds(callers.waited.p50)} / ${seconds(callers.waited.p99)} / ${seconds(callers.waited.longest)}`,
      count(callers.deferred),
      `${count(queues.gates.peak)}, ${seconds(queues.oldestMs.peak)}`,
      `${spread(database.writes)}; ${count(queues.database.peak)}`,
      `${exchanges.takeOvers}`,
      `${result.lost}`,
    ];
  });
  const [first] = all;
  if (first === undefined) return "";
  return `## Twenty services, simulated

\`npm run fleet\` runs ${first.run.services} services over one database and one provider in virtual time. What decides is the project's own code: when a
token is refreshed, who may go first and how often, what an answer means, how long to wait, who takes over from whom. Effects
are a model: a database with the costs above that commits in groups, a provider that answers in a fifth of a second, mostly, and
in seconds sometimes. It is for scale. Whether the protocol is right in every order of events is what \`npm run simulate\` shows,
which runs the code itself.

At each step it is checked that no generation is exchanged twice, but by who takes over from the dead; that answers are committed
onto the generation whose token was sent; and at the end that the database holds every grant's newest refresh token. Without the
limit of exchanges, the jitter, the attempts or the answers that wait for the database, it shows the storm, the double exchange or the
loss (\`--break\`): \`test/fleet/\` holds it to that, and each night runs every scenario at ten million grants over a day. The quota of the provider is ${count((first.run.quota * 1e6) / first.run.grants)} exchanges a second for each million grants.

A quarter of an hour at the end lets all work end. Used are: one grant in 25 by a program around the clock, every ten minutes; of three
in ten, the person comes twice a day, by the curve of a working day, and the token is asked for some six times in half an hour.
These shares are assumed: nobody publishes such figures. Any service gets any request.

${table(
  [
    "what happens",
    "exchanges, of all expiries",
    "requests a second: median / 99 % / peak",
    "callers who waited: median / 99 % / longest",
    "turned away, to come again",
    "longest queue at the gates; oldest",
    "writes a second; longest queue",
    "taken over",
    "lost",
  ],
  rows,
)}

_Of all expiries_: of as many as there were if every token were refreshed every hour. Who is turned away gets \`provider_unavailable\`
or \`store_unavailable\` with \`Retry-After\`, because the provider or the database is away, and the longest waits are theirs.`;
}

function lessons(costs: MeasuredCosts, day: Result, byGrant: Result | undefined, cold: Result | undefined): string {
  const routed =
    byGrant === undefined
      ? []
      : [
          `- **Send a grant's requests to the same service, where your load balancer can** (a hash of the path, or of your user's id). Any
  service for any request finds ${day.callers.fromMemory} % of the tokens in its memory, because callers come once in minutes and there
  are ${day.run.services} memories; the same service for the same grant ${byGrant.callers.fromMemory} %. Nothing else depends on it: it may change at any time.`,
        ];
  return [
    "## What it taught",
    [
      ...routed,
      `- **Share out nine tenths of the quota.** Each service has a limit of its own (\`ONBEHALF_EXCHANGES_PER_SECOND\`): the quota, times 0.9,
  by the number of services that may run at once, those of a rolling deployment included. What leaves evenly arrives less
  evenly, and with the whole quota some seconds were above it.`,
      `- **${short(day.exchanges.unused)} % of the exchanges are for nobody**: a token that was handed out once is refreshed ahead at 70 to 85 % of its life,
  and whoever used it does not come again. It is the price for callers who do come and do not wait.`,
      `- **Looks for changes cost more than refreshes, and no longer do.** Each commit notified all services, and each looked at once
  (${costs.look} ms of the server). Now one look follows all notifications of 100 ms.`,
      `- **After an outage nobody storms.** Each service asks once, and then at its rate, callers first. Background work that failed is not
  tried again before somebody asks, so that what waits is only what is wanted.`,
      ...(cold === undefined ? [] : [ofCold(cold)]),
    ].join("\n"),
  ].join("\n\n");
}

function ofCold({ queues, callers, run }: Result): string {
  return `- **A cold start is as long as the quota makes it.** ${about(queues.gates.peak)} callers at nine tenths of ${count(run.quota)} exchanges a second take
  ${about(queues.oldestMs.peak / 60_000)} minutes, first come, first served. The queue of callers has no end: ${about(callers.waitedTooLong)} waited for longer than the 45 seconds after
  which a service with its keeper answers \`keeper_unavailable\`. They come again and find their refresh under way or done. Where you can, let
  people in by parts.`;
}

const database = `## What the protocol needs of the database

| part | what it needs | so |
| --- | --- | --- |
| a refresh commits onto the generation whose token was sent | one row, compared and set: linearizable | a primary. Any number of primaries, if each grant has one |
| the attempt, before the token is sent; the answer, before the attempt ends | durable when it is acknowledged | \`synchronous_commit\` on, and a failover that loses no acknowledged commit: a synchronous standby. With an asynchronous one, the last moments' refresh tokens are lost where tokens rotate |
| who is alive | a session lock for each process | a connection straight to the primary. After a failover nobody is taken for dead before it had time to lock again |
| what others have changed | numbers in the order in which changes become visible | one counter for each database. Its lock is held to the end of each commit: what is committed together shares it |
| the audit log | one chain, each row after the last | one end of the chain for each database |
| a person found by a reference | the hash of a subject or an external id is unique for a client | everything of one client in one place, or an app that knows which place |
| a code, a deposited token that comes twice | its hash is unique | the same place for the same code: the one that serves the app which sent it |
| a token is handed out | a row of the audit log first, where the log is on | even a read writes, once for a caller and a token |

**Read replicas serve no tokens.** One that is seconds behind hands out what was revoked for so long, and a first use writes. They can
serve backups, exports of the audit log and your own queries.`;

const beyond = `## When one is not enough

1. **A larger server, and fewer services.** Each service reads every change.
2. **By client.** Grants of two clients (client ids at providers) share nothing but callers and the log: give each client a database and
   services of its own. Nothing in the code must change, and no grant is ever in two places.
3. **By the person's home, for one client.** Several databases, each with its services, by region or by a part of your user's id. Your app must
   send all requests of a person to the same one, the sign-in included: no database knows of the others. What spans them is then
   yours: at Google a revocation ends all of that person's grants of the project, and those in another database are found dead at
   their next use, where here they would have been suspected at once.
4. **Moving a grant** from one to the other is a [deposit](deposits.md): its refresh token is tried once, and where tokens rotate the
   old place must not refresh it any more.

Callers' keys, sessions and handles belong to one database. There is no single list, no single log, and no single \`/v1/events\` over several.`;

function quotas(day: Result): string {
  const perDay = (day.exchanges.total / day.run.hours) * 24 * (1e7 / day.run.grants);
  return `## The provider's quota

Ten million grants of the ordinary day are ${count(perDay)} exchanges a day. No provider grants that to whom it does not know:

- **Google** publishes no number for token requests. Sign-ins have a limit for each project, which depends on its history and
  which can be raised on request: [OAuth application rate limits](https://support.google.com/cloud/answer/9028764). One of its APIs names
  [10,000 sign-ups or new consents in any 24 hours](https://developers.google.com/health/rate-limits) as the number above which to ask
  beforehand. So bring people in over weeks, and watch for \`rate_limited\`.
- **Microsoft** answers 429 with \`Retry-After\`, and calls the same request again and again a loop
  ([AADSTS50196](https://learn.microsoft.com/en-us/entra/msal/dotnet/advanced/client-and-server-throttling)): one exchange for all who wait
  is what keeps you clear of it.
- Where a provider's tokens live longer than an hour, all figures above shrink with it.

The first 429 holds back the service that got it; the others learn it by their own. Set the limit so that none comes.`;
}
