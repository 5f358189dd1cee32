/**
 * A module that every process of a service loads first. Those that hold its secrets are given nothing of `NODE_OPTIONS` that is
 * code, so the processes that start them put it before their programs.
 *
 * @param text what it does. In a keeper, the path in `process.argv[1]` has `keeper/process` in it; in the holder, `secrets/holder`
 */
export function preloadedEverywhere(text: string): string {
  return `import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
const here = ["--import", import.meta.url];
const { fork, spawn } = childProcess;
childProcess.fork = (file, options) => fork(file, { ...options, execArgv: [...here, ...options.execArgv] });
childProcess.spawn = (program, args, options) =>
  spawn(program, args?.some((each) => /secrets.holder/.test(each)) ? [...here, ...args] : args, options);
syncBuiltinESMExports();
${text}`;
}
