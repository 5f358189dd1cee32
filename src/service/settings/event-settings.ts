import { isWebhookSecret, isWebhookUrl } from "../../core/events/webhook-address.ts";
import { settingNames } from "./settings.ts";
import type { Setting, Settings } from "./settings.ts";

/** Where events are delivered. */
export interface Webhook {
  readonly url: string;
  readonly secrets: readonly string[];
}

/** What the settings say of events. A part that cannot be made is undefined, and has added a problem. */
export function eventParts(
  settings: Settings,
  problems: string[],
): {
  readonly webhook: Webhook | undefined;
  readonly eventsKeptDays: number | undefined;
  readonly consentEndsSoonDays: number | undefined;
} {
  return {
    webhook: webhookOf(settings, problems),
    eventsKeptDays: daysOf(settings, "eventsKeptDays", 2, 3_650, problems),
    consentEndsSoonDays: daysOf(settings, "consentEndsSoonDays", 1, 90, problems),
  };
}

function webhookOf({ webhookUrl: url, webhookSecret }: Settings, problems: string[]): Webhook | undefined {
  const secrets = (webhookSecret ?? "").split(/[\s,]+/).filter((each) => each !== "");
  if (url === undefined && secrets.length === 0) return undefined;
  if (url === undefined)
    problems.push(`${settingNames.webhookUrl} is missing: there is a secret, and nowhere to deliver events`);
  else if (!isWebhookUrl(url)) {
    problems.push(`${settingNames.webhookUrl} must be an https URL without a password, or http on this machine`);
  }
  if (secrets.length === 0)
    problems.push(`${settingNames.webhookSecret} is missing: receivers know by it that events are ours`);
  else if (!secrets.every(isWebhookSecret)) {
    problems.push(
      `${settingNames.webhookSecret} must be whsec_ and base64 of 24 to 64 bytes; several separated by commas`,
    );
  }
  return url === undefined ? undefined : { url, secrets };
}

function daysOf(settings: Settings, name: Setting, from: number, to: number, problems: string[]): number | undefined {
  const given = settings[name];
  if (given === undefined) return undefined;
  const days = Number(given);
  if (!/^\d{1,4}$/.test(given) || days < from || days > to) {
    problems.push(`${settingNames[name]} must be a whole number of days from ${from} to ${to}`);
  }
  return days;
}
