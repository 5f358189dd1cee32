/** The environment of this process, for checks that say what in it is read and what is not. */
export function environment(): NodeJS.ProcessEnv {
  return process.env;
}
