/** The version of the suite: that of its package. */
export const VERSION = "0.1.0";
