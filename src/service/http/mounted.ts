import { metadataPath } from "./token-endpoint/metadata.ts";
import { errorsPath } from "./problems.ts";

/**
 * The path that the service is mounted beneath: as the server says it in a handler's second argument, or as the public
 * URL has it. Servers other than ours give a second argument of their own.
 *
 * @returns without a slash at the end; empty where it is at the top
 */
export function mountPathOf(mounted: unknown, publicUrl: string | undefined): string {
  const known: unknown =
    typeof mounted === "object" && mounted !== null && "mountPath" in mounted ? mounted.mountPath : "";
  const path = typeof known === "string" && known !== "" ? known : new URL(publicUrl ?? "http://localhost").pathname;
  return path.replace(/\/+$/, "");
}

/** The request as it would be at the top of a server. A proxy may have taken the path off already. */
export function withoutMountPath(request: Request, mountPath: string): Request {
  if (mountPath === "") return request;
  const { origin, pathname: asked, search } = new URL(request.url);
  // RFC 8414 section 3.1: the path of an issuer stands behind the well-known one.
  const pathname = asked === `${metadataPath}${mountPath}` ? `${mountPath}${metadataPath}` : asked;
  if (!`${pathname}/`.startsWith(`${mountPath}/`)) return request;
  const { method, headers, signal, body } = request;
  const path = pathname.slice(mountPath.length) || "/";
  const init: RequestInit = { method, headers, signal, ...(body === null ? {} : { body, duplex: "half" }) };
  return new Request(`${origin}${path}${search}`, init);
}

/** An answer whose links to the page of errors lead there from outside. */
export async function withMountPath(response: Response, mountPath: string): Promise<Response> {
  if (mountPath === "" || response.headers.get("content-type") !== "application/problem+json") return response;
  const problem = (await response.json()) as Record<string, unknown>;
  for (const member of ["type", "error_uri"]) {
    const uri = problem[member];
    if (typeof uri === "string" && uri.startsWith(`${errorsPath}#`)) problem[member] = `${mountPath}${uri}`;
  }
  return new Response(JSON.stringify(problem), response);
}
