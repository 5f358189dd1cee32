/** Who we are, to providers and APIs: where the caller does not say who it is. A test compares it with package.json. */
export const userAgent = "onbehalf/0.1.0";
