/** The values of a sheet as people read them. */
import { NOTHING, duration, instant, percent, quantity } from '../model/format'
import type { Column, Value } from '../model/sheet'

/** A cell of a column. */
export function written(value: Value | undefined, column: Column, zone: string, decimals?: number): string {
  if (value === null || value === undefined) return NOTHING
  if (typeof value === 'string') return value
  switch (column.kind) {
    case 'time':
      return instant(value, zone)
    case 'share':
      return percent(value)
    case 'seconds':
      return duration(value)
    default:
      return quantity(value, { unit: column.unit, decimals })
  }
}

/** Whether the values of a column stand on the right. */
export function numeric({ kind }: Column): boolean {
  return kind === 'number' || kind === 'share' || kind === 'seconds'
}
