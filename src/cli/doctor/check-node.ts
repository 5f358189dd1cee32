import { nodeProblem, oldestNode } from "../terminal/node-version.ts";
import { fail, ok } from "../../service/doctor/finding.ts";
import type { Finding } from "../../service/doctor/finding.ts";

/** Checks that this Node is new enough. */
export function checkNode(version: string): Finding {
  return nodeProblem(version) === undefined
    ? ok("node", `Node ${version}`)
    : fail("node", `Node ${version} is too old`, `install Node ${oldestNode} or newer`);
}
