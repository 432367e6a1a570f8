/** What pages of insights and reports say alike: names, options to choose from and times come in, words go out. */
import type { Timestamp } from '@bufbuild/protobuf/wkt'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { NOTHING, between, instant } from '../model/format'

export type Tone = '' | 'good' | 'warn' | 'bad'

/** A value of an enumeration, as one of several to choose from. */
export type Option<V> = { value: V; title: string }

/** What a value is called; nothing where it has no name. */
export function titleOf<V>(options: readonly Option<V>[], value: V): string {
  return options.find(each => each.value === value)?.title ?? ''
}

/** The last part of a name: `projects/a/models/churn` is `churn`. */
export function idOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

/** The texts between commas. */
export function listed(text: string): string[] {
  return text
    .split(',')
    .map(each => each.trim())
    .filter(Boolean)
}

/** When, or nothing. */
export function when(time: Timestamp | undefined, zone: string): string {
  return time ? instant(timestampMs(time), zone) : NOTHING
}

/** From when to when, or since when. */
export function span(start: Timestamp | undefined, end: Timestamp | undefined, zone: string): string {
  if (start && end) return between(timestampMs(start), timestampMs(end), zone)
  return start ? `since ${instant(timestampMs(start), zone)}` : NOTHING
}
