/** Every operation of the service, as its description and its home page list them. A family of routes is a file of its own. */
import { auditOperations } from "./operations/audit.ts";
import { authCodeOperations } from "./operations/authcode.ts";
import { connectOperations } from "./operations/connect.ts";
import { depositOperations } from "./operations/deposits.ts";
import { eventOperations } from "./operations/events.ts";
import { grantOperations } from "./operations/grants.ts";
import { handleOperations } from "./operations/handles.ts";
import { keylessOperations } from "./operations/keyless.ts";
import { providerOperations } from "./operations/providers.ts";
import { signalOperations } from "./operations/signals.ts";
import { sessionOperations } from "./operations/sessions.ts";
import { ticketOperations } from "./operations/tickets.ts";
import type { Operation } from "./operations/operation.ts";

export const operations: readonly Operation[] = [
  ...authCodeOperations,
  ...grantOperations,
  ...depositOperations,
  ...providerOperations,
  ...handleOperations,
  ...ticketOperations,
  ...connectOperations,
  ...sessionOperations,
  ...auditOperations,
  ...eventOperations,
  ...signalOperations,
  ...keylessOperations,
];
