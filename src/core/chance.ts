/**
 * Random numbers in [0, 1) for jitter, and for nothing else: anybody can predict them, so keys, nonces and ids must
 * never come from here. Tests and the simulator give their own source instead.
 */
export const systemChance: () => number = Math.random;
