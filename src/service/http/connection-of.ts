/** By which connection each request came. A web-standard request does not say. */
const connections = new WeakMap<Request, object>();

export function noteConnection(request: Request, connection: object): void {
  connections.set(request, connection);
}

/** @returns the same object for all requests of one connection; undefined where the service is mounted elsewhere */
export function connectionOf(request: Request): object | undefined {
  return connections.get(request);
}
