/** Where a value lies beside what was to be expected: numbers come in, places between 0 and 100 go out. */

export type Gauge = { from: number; to: number; at: number; out: boolean }

/** The places, with half as much room on both sides as the range is wide; a value further off stands at the end. */
export function place({
  value,
  lower,
  upper,
}: {
  value: number
  lower: number
  upper: number
}): Gauge | undefined {
  if (![value, lower, upper].every(Number.isFinite) || upper < lower) return undefined
  const width = upper - lower || Math.abs(upper) || 1
  const start = lower - width / 2
  const scaled = (number: number) =>
    Math.min(100, Math.max(0, (100 * (number - start)) / (upper - lower + width)))
  return { from: scaled(lower), to: scaled(upper), at: scaled(value), out: value < lower || value > upper }
}
