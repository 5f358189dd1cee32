/** What a command ends with. */
export const exitCodes = { done: 0, failed: 1, wrongUsage: 2, reauthorizationRequired: 3 } as const;
