/** In place of ∞, which has no products with 0: farther than any norm, score or loss. */
export const far = 1e30;

/** Nothing is divided by less: the smallest normal float32. */
export const tiny = 1.2e-38;
