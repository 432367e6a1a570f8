/** Chance that is the same every time. */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}

/** A whole number from 0, below `end`. */
export function below(chance: () => number, end: number): number {
  return Math.floor(chance() * end)
}
