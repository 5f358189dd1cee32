/**
 * Where every part of Onbehalf gets its chance from: in [0, 1), for jitter alone. Tests and the simulator give their
 * own; keys, nonces and ids never come from here.
 */
export const systemChance: () => number = Math.random;
