/** What a process of the service says of the error that ends it. Loaded when there is one: nothing else may have needed a log. */
import { faultLogger } from "./error-log.ts";
import { serviceLogger } from "./log.ts";

/** @param during what the process was, which the error ended */
export function logLastFault(error: unknown, during: string): void {
  faultLogger(serviceLogger("error"))(error, during);
}
