/** How the service is set up, and what is wrong with that. Nothing here is secret. */
import type { JSX } from "preact";
import { useAct } from "./act.ts";
import type { Finding, SetUp } from "./answers.ts";
import { ask, useAsk } from "./ask.ts";
import { Copy } from "./copy.tsx";
import { Breakable, Failure, Ghost, Time } from "./parts.tsx";
import { count, counted, date, exactly } from "./words.ts";

export function SetUpView(): JSX.Element {
  const { data, error, again } = useAsk<SetUp>("/setup", 30_000);
  return (
    <>
      <h1>Set-up</h1>
      {error === undefined ? null : <Failure error={error} again={again} />}
      {data === undefined ? (
        error === undefined && <Ghost lines={9} />
      ) : (
        <>
          <Checks />
          <div class="columns">
            <div>
              <Facts setUp={data} />
              <Webhooks webhooks={data.webhooks} />
            </div>
            <div>
              <Providers setUp={data} />
              <Keys keys={data.keys} />
            </div>
          </div>
        </>
      )}
    </>
  );
}

interface Checked {
  readonly at: string;
  readonly checks: readonly Finding[];
}

const findingWords = { fail: "Wrong", warn: "Look at this", ok: "Good" } as const;
const badges = { fail: "lapsed", warn: "suspect", ok: "active" } as const;
const order = ["fail", "warn", "ok"];

function Checks(): JSX.Element {
  const act = useAct(() => ask<Checked>("/setup/checks"));
  const { done, error, isBusy } = act;
  const found = done?.checks.toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status)) ?? [];
  return (
    <section aria-labelledby="checks">
      <div class="bar">
        <h2 id="checks">Checks</h2>
        <button class="button" type="button" disabled={isBusy} onClick={act.run}>
          {isBusy ? "Checking…" : done === undefined ? "Run the checks" : "Run them again"}
        </button>
      </div>
      {error === undefined ? null : <Failure error={error} />}
      <div role="status">
        {done === undefined ? (
          <p class="card soft">
            They look at the store, the keys and the settings, and ask the providers whether they are there. The command{" "}
            <code>onbehalf doctor</code> also asks whether the providers accept the client, and reads the audit log.
          </p>
        ) : (
          <>
            <ul class="card rows keys">
              {found.map(({ check, status, message, hint }) => (
                <li key={`${check} ${message}`}>
                  <span class={`badge ${badges[status]}`}>{findingWords[status]}</span>
                  <p class="grow">
                    <span class="name">{check}</span> {message}
                    {hint === undefined ? null : <span class="soft">What to do: {hint}</span>}
                  </p>
                </li>
              ))}
            </ul>
            <p class="soft">
              Found out <Time at={done.at} isPast />.
            </p>
          </>
        )}
      </div>
    </section>
  );
}

type Fact = readonly [string, JSX.Element | string];

function List({
  id,
  title,
  facts,
}: {
  readonly id: string;
  readonly title: string;
  readonly facts: readonly Fact[];
}): JSX.Element {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <dl class="card facts">
        {facts.map(([label, value], n) => (
          <div key={`${label} ${n}`}>
            <dt>{label}</dt>
            <dd>{typeof value === "string" ? <Breakable text={value} /> : value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Facts({ setUp }: { readonly setUp: SetUp }): JSX.Element {
  const { store, return_urls: returnUrls } = setUp;
  return (
    <List
      id="service"
      title="Service"
      facts={[
        ["Version", `${setUp.version}, Node ${setUp.node}`],
        ["Store", `${store.kind} ${store.location}`],
        ["Schema", store.schema ?? "none"],
        ["Public URL", setUp.public_url ?? <NotSet name="ONBEHALF_PUBLIC_URL" />],
        [
          "People come back to",
          returnUrls.length === 0 ? <NotSet name="ONBEHALF_RETURN_URLS" /> : returnUrls.join(" "),
        ],
      ]}
    />
  );
}

function NotSet({ name }: { readonly name: string }): JSX.Element {
  return (
    <span class="soft">
      not set: <code>{name}</code>
    </span>
  );
}

function Providers({ setUp: { providers } }: { readonly setUp: SetUp }): JSX.Element {
  return (
    <>
      {providers.map((each) => (
        <List
          key={each.name}
          id={`provider-${each.name}`}
          title={`Provider ${each.name}`}
          facts={[
            ["Issuer", each.issuer],
            ["Client", <Copy text={each.client_id} />],
            ["Secret sent as", each.client_authentication],
            ["Scopes", each.scopes?.join(" ") ?? "as each request says"],
            ...(each.redirect_uri === undefined ? [] : [["Redirect URI", <Copy text={each.redirect_uri} />] as const]),
          ]}
        />
      ))}
    </>
  );
}

function Keys({ keys }: { readonly keys: SetUp["keys"] }): JSX.Element {
  const { rotation } = keys;
  const used = keys.master_keys.filter(({ wraps }) => wraps > 0);
  return (
    <>
      <List
        id="keys"
        title="Keys"
        facts={[
          ...used.map(({ key_id: id, wraps }): Fact => [
            "Master key",
            <>
              <code>{id}</code> wraps {counted(wraps, "data key")}
            </>,
          ]),
          ...keys.data_keys.map(({ key_id: id, key_class: kind, state, since }): Fact => [
            `Data key ${id}`,
            <>
              {kind}, {state}
              {since === undefined ? null : (
                <>
                  {" "}
                  since{" "}
                  <time dateTime={since} title={exactly(since)}>
                    {date(since)}
                  </time>
                </>
              )}
            </>,
          ]),
          [
            "Replacement",
            rotation === undefined
              ? "none under way"
              : rotation.waits_for.length > 0
                ? `waits for ${rotation.waits_for.map(({ host, pid }) => `process ${pid} on ${host}`).join(", ")}`
                : `${Math.floor(rotation.fraction * 100)} % of a pass, ${count(rotation.resealed)} values sealed anew`,
          ],
        ]}
      />
      <p class="soft">
        Keys are replaced by commands, where the settings are: <code>onbehalf keys rotate</code> for the master key,{" "}
        <code>onbehalf keys renew</code> for data keys.
      </p>
    </>
  );
}

function Webhooks({
  webhooks: { url, waiting, waiting_since: since, dead },
}: {
  readonly webhooks: SetUp["webhooks"];
}): JSX.Element {
  return (
    <>
      <List
        id="webhooks"
        title="Webhooks"
        facts={[
          ["Events go to", url ?? <NotSet name="ONBEHALF_WEBHOOK_URL" />],
          [
            "Waiting",
            since === undefined ? (
              count(waiting)
            ) : (
              <>
                {count(waiting)}, the first of them came <Time at={since} isPast />
              </>
            ),
          ],
          ["Given up", count(dead)],
        ]}
      />
      {dead === 0 ? null : (
        <p class="soft">
          Why: <code>onbehalf events dead</code>. Deliver them again: <code>onbehalf events replay</code>
        </p>
      )}
    </>
  );
}
