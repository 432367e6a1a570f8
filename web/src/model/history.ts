/** What can be undone and done again. */

export type History<T> = {
  readonly past: readonly T[]
  readonly present: T
  readonly future: readonly T[]
}

const MOST = 100

/** A history that begins now. */
export function begun<T>(present: T): History<T> {
  return { past: [], present, future: [] }
}

/** After something was done; what was undone before can no longer be done again. */
export function done<T>({ past, present }: History<T>, next: T): History<T> {
  return { past: [...past, present].slice(-MOST), present: next, future: [] }
}

/** After the last thing was undone. */
export function undone<T>(history: History<T>): History<T> {
  const { past, present, future } = history
  return past.length
    ? { past: past.slice(0, -1), present: past.at(-1)!, future: [present, ...future] }
    : history
}

/** After the last thing undone was done again. */
export function redone<T>(history: History<T>): History<T> {
  const { past, present, future } = history
  return future.length ? { past: [...past, present], present: future[0]!, future: future.slice(1) } : history
}
