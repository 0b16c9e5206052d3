/** How many lines of the decision log the admin listener shows. */

export const RECENT_DECISIONS = 1_000
/** Lines have 400 to 700 bytes; long paths are what the bound is for. */
export const RECENT_DECISION_BYTES = 1024 * 1024
