/** Colours of categories, which stay with them: a category that comes up takes the first colour that is free. */

/** How many colours there are beside the one of `other`. */
export const COLOURS = 8

/** The colour of each key as a number from 1, 0 being that of the rest; keys keep what they had in `before`. */
export function assigned(
  before: ReadonlyMap<string, number>,
  keys: readonly { key: string; other: boolean }[],
): Map<string, number> {
  const found = new Map<string, number>()
  for (const { key, other } of keys) {
    const colour = other ? 0 : before.get(key)
    if (colour !== undefined) found.set(key, colour)
  }
  const free = new Set(found.values())
  let next = 1
  for (const { key } of keys) {
    if (found.has(key)) continue
    while (free.has(next)) next++
    free.add(next)
    found.set(key, next)
  }
  return found
}

/** The design token of a colour, as in `--c3`; after the eighth they begin anew. */
export function tokenOf(colour: number): string {
  return colour === 0 ? '--c-other' : `--c${((colour - 1) % COLOURS) + 1}`
}
