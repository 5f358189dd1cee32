import type { KeeperHints } from "../keeper-process/unavailable.ts";

/** What an operator of the service can do about its keeper. */
export const keeperHints: KeeperHints = {
  start:
    "look at the lines before this one, at the memory that is left, and at the limit of processes; " +
    "ONBEHALF_KEEPER=none runs without a keeper's process",
  wait: "try again shortly: the service restarts it, and hands out valid tokens meanwhile; if this lasts, look at the log",
};
