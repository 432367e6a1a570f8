/** Numbers, lengths of time, sizes and dates as people read them: values come in, texts in the reader's locale and the project's
 * time zone go out. */

export type Shape = {
  unit?: string
  /** Decimal places; chosen by the size of the value when left out. */
  decimals?: number
  /** Short, as on an axis: 12K instead of 12 345. */
  compact?: boolean
  locale?: string
}

/** What stands where nothing was measured. */
export const NOTHING = '–'

const BYTES = new Set(['By', 'B', 'byte', 'bytes'])
const SECONDS: Record<string, number> = {
  s: 1,
  seconds: 1,
  ms: 1e-3,
  us: 1e-6,
  µs: 1e-6,
  ns: 1e-9,
  min: 60,
  h: 3600,
}
const PREFIXES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** A value with its unit. */
export function quantity(value: number | null | undefined, shape: Shape = {}): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return NOTHING
  const { unit = '' } = shape
  if (BYTES.has(unit)) return bytes(value, shape)
  if (unit.endsWith('/s') && BYTES.has(unit.slice(0, -2))) return `${bytes(value, shape)}/s`
  const seconds = SECONDS[unit]
  if (seconds !== undefined && shape.decimals === undefined) return duration(value * seconds, shape.locale)
  const text = number(value, shape)
  if (unit === '%') return `${text} %`
  if (!unit || unit === '1') return text
  return /^[€$£¥]$/.test(unit) ? `${unit}${text}` : `${text} ${unit}`
}

/** A bare number. */
export function number(value: number | bigint | null | undefined, shape: Shape = {}): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NOTHING
  const { compact = false, decimals, locale } = shape
  const digits = decimals ?? fitting(Number(value))
  const short = compact && Math.abs(Number(value)) >= 10_000
  return numbers(locale, {
    notation: short ? 'compact' : 'standard',
    minimumFractionDigits: short ? 0 : (decimals ?? 0),
    maximumFractionDigits: short ? (decimals ?? 1) : digits,
  }).format(value)
}

/** Decimal places that a value of this size deserves. */
function fitting(value: number): number {
  const size = Math.abs(value)
  if (Number.isInteger(value) || size >= 1000) return 0
  if (size >= 100) return 1
  if (size >= 1) return 2
  return size === 0 ? 0 : Math.min(8, 2 - Math.floor(Math.log10(size)))
}

/** A share of one as a percentage. */
export function percent(share: number | null | undefined, decimals?: number, locale?: string): string {
  if (typeof share !== 'number' || !Number.isFinite(share)) return NOTHING
  const size = Math.abs(share)
  // What is nearly all, or nearly nothing, does not become all or nothing by being rounded.
  const digits = decimals ?? (size === 0 || size === 1 ? 0 : size > 0.99 || size < 0.01 ? 2 : 1)
  return numbers(locale, { style: 'percent', maximumFractionDigits: digits }).format(share)
}

/** By how much a value differs from the one before, as `+12 %`; undefined where it cannot be told. */
export function change(now: number, before: number): number | undefined {
  if (!Number.isFinite(now) || !Number.isFinite(before) || before === 0) return undefined
  const share = (now - before) / Math.abs(before)
  // What is shown as no change is none.
  return Math.abs(share) < 0.0005 ? 0 : share
}

/** A change with its sign. */
export function signed(share: number, locale?: string): string {
  const digits = Math.abs(share) >= 0.1 ? 0 : 1
  return numbers(locale, {
    style: 'percent',
    maximumFractionDigits: digits,
    signDisplay: 'exceptZero',
  }).format(share)
}

const LENGTHS: [seconds: number, name: string][] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
]

/** A length of time in its two largest units: `3 d 4 h`, `2 min`, `120 ms`. */
export function duration(seconds: number, locale?: string): string {
  if (!Number.isFinite(seconds)) return NOTHING
  if (seconds < 0) return `-${duration(-seconds, locale)}`
  if (seconds === 0) return '0 s'
  if (seconds < 1e-3) return `${number(seconds * 1e6, { locale, decimals: 0 })} µs`
  if (seconds < 1) return `${number(seconds * 1e3, { locale, decimals: seconds < 0.01 ? 1 : 0 })} ms`
  if (seconds < 10) return `${numbers(locale, { maximumFractionDigits: 1 }).format(seconds)} s`
  const whole = Math.round(seconds)
  const place = LENGTHS.findIndex(([length]) => whole >= length)
  const [length, name] = LENGTHS[place]!
  const first = Math.floor(whole / length)
  const [next, nextName] = LENGTHS[place + 1] ?? [0, '']
  const rest = next ? Math.floor((whole % length) / next) : 0
  const head = `${number(first, { locale })} ${name}`
  return rest && first < 10 ? `${head} ${rest} ${nextName}` : head
}

/** A length of time in its largest unit only. */
export function roughly(seconds: number, locale?: string): string {
  const text = duration(seconds, locale)
  return seconds < 60 ? text : text.split(' ').slice(0, 2).join(' ')
}

/** A number of bytes, in thousands. */
export function bytes(value: number, shape: Shape = {}): string {
  const size = Math.abs(value)
  const power = size < 1000 ? 0 : Math.min(PREFIXES.length - 1, Math.floor(Math.log10(size) / 3))
  const scaled = value / 1000 ** power
  const decimals =
    shape.decimals ?? (power === 0 || Math.abs(scaled) >= 100 || Number.isInteger(scaled) ? 0 : 1)
  return `${number(scaled, { locale: shape.locale, decimals })} ${PREFIXES[power]}`
}

/** An instant, to the second or finer. */
export function instant(
  ms: number,
  zone: string,
  { locale, fine = false }: { locale?: string; fine?: boolean } = {},
): string {
  return dates(locale, {
    timeZone: zone,
    dateStyle: 'medium',
    timeStyle: 'medium',
    ...(fine && {
      dateStyle: undefined,
      timeStyle: undefined,
      month: 'short',
      day: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      fractionalSecondDigits: 3,
    }),
  }).format(ms)
}

/** From one instant to another; what they share is said once. */
export function between(start: number, end: number, zone: string, locale?: string): string {
  const whole = start % MINUTE === 0 && end % MINUTE === 0
  const options = { timeZone: zone, dateStyle: 'medium', timeStyle: whole ? 'short' : 'medium' } as const
  return dates(locale, options).formatRange(start, end)
}

const MINUTE = 60_000
const DAY = 86_400_000

/** When a bucket of this width, in milliseconds, begins: no finer than the width. */
export function bucket(ms: number, width: number, zone: string, locale?: string): string {
  return dates(locale, { timeZone: zone, ...parts(width) }).format(ms)
}

function parts(width: number): Intl.DateTimeFormatOptions {
  if (width >= 28 * DAY) return { year: 'numeric', month: 'long' }
  if (width >= DAY - 2 * 60 * MINUTE)
    return { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }
  const day = { weekday: 'short', day: 'numeric', month: 'short' } as const
  const time = { hour: '2-digit', minute: '2-digit' } as const
  return width >= MINUTE ? { ...day, ...time } : { ...day, ...time, second: '2-digit' }
}

/** The day of a period, short, as it labels a row. */
export function day(ms: number, zone: string, locale?: string): string {
  return dates(locale, { timeZone: zone, day: 'numeric', month: 'short' }).format(ms)
}

/** A tick of a time axis whose ticks are `step` milliseconds apart; where a day begins it is the day. */
export function tick(ms: number, step: number, zone: string, locale?: string): string {
  if (step >= 28 * DAY) return dates(locale, { timeZone: zone, month: 'short', year: 'numeric' }).format(ms)
  if (step >= DAY - 2 * 60 * MINUTE) return day(ms, zone, locale)
  const clock = dates('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', second: '2-digit' })
  if (clock.format(ms) === '00:00:00') return day(ms, zone, locale)
  const time: Intl.DateTimeFormatOptions = { timeZone: zone, hour: '2-digit', minute: '2-digit' }
  if (step < MINUTE) time.second = '2-digit'
  return dates(locale, time).format(ms)
}

// Making a formatter costs a hundred times as much as using it.
const cachedNumbers = new Map<string, Intl.NumberFormat>()
const cachedDates = new Map<string, Intl.DateTimeFormat>()

function numbers(locale: string | undefined, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  return cached(cachedNumbers, locale, options, () => new Intl.NumberFormat(locale, options))
}

function dates(locale: string | undefined, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return cached(cachedDates, locale, options, () => new Intl.DateTimeFormat(locale, options))
}

function cached<T>(known: Map<string, T>, locale: string | undefined, options: object, make: () => T): T {
  const key = JSON.stringify([locale, options])
  const found = known.get(key) ?? make()
  known.set(key, found)
  return found
}
