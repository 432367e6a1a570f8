/** Whether the data can be trusted now: the ledger and the state of the pipeline, judged for people. */
import { timestampMs } from '@bufbuild/protobuf/wkt'
import type { GetLedgerResponse, GetPlatformAnalyticsResponse } from '../gen/tidemark/v1/query_pb'
import { duration, number } from './format'

export type Tone = 'good' | 'warn' | 'bad' | ''

export type Finding = { tone: Tone; figure: string; words: string }

export type Health = {
  /** The worst of all, as one sentence. */
  overall: Finding
  watermark: Finding
  ledger: Finding
  deadLetters: Finding
  lag: Finding
}

/** Judges what the servers said, at the reader's `now` in milliseconds. */
export function judge(
  ledger: GetLedgerResponse,
  platform: GetPlatformAnalyticsResponse,
  now: number,
): Health {
  const parts = {
    watermark: watermark(platform, now),
    ledger: balance(ledger),
    deadLetters: letters(ledger),
    lag: lag(platform),
  }
  const found = Object.values(parts)
  const worst = found.find(each => each.tone === 'bad') ?? found.find(each => each.tone === 'warn')
  const overall: Finding = worst
    ? {
        tone: worst.tone,
        figure: worst.tone === 'bad' ? 'Needs attention' : 'Look closer',
        words: worst.words,
      }
    : {
        tone: 'good',
        figure: 'All is accounted for',
        words: 'Every event received is stored, or its fate is known.',
      }
  return { overall, ...parts }
}

/** The event time up to which everything is complete is that of the partition which is furthest behind. */
function watermark({ processing }: GetPlatformAnalyticsResponse, now: number): Finding {
  const partitions = processing?.partitions ?? []
  const marks = partitions.flatMap(each => (each.watermark ? [timestampMs(each.watermark)] : []))
  if (marks.length === 0) return { tone: '', figure: '—', words: 'No partition has a watermark yet.' }
  const seconds = Math.max(0, (now - Math.min(...marks)) / 1000)
  const figure = `${duration(seconds)} behind`
  if (seconds < 60) return { tone: 'good', figure, words: 'Data is complete up to the last minute.' }
  // Where little comes in the watermark stands still, and nothing is missing.
  if (partitions.every(each => each.backlogEvents === 0n))
    return { tone: 'good', figure, words: 'Little comes in, and nothing waits to be stored.' }
  const tone = seconds < 600 ? 'warn' : 'bad'
  return { tone, figure, words: `Data is believed complete only up to ${duration(seconds)} ago.` }
}

function balance({ total, balanced }: GetLedgerResponse): Finding {
  const received = number(total?.received ?? 0n, { compact: true })
  if (balanced)
    return {
      tone: 'good',
      figure: 'balanced',
      words: `${received} received in 24 hours, each accounted for.`,
    }
  return {
    tone: 'bad',
    figure: 'does not balance',
    words: 'What was received is not what is accounted for: see the ledger.',
  }
}

function letters({ total }: GetLedgerResponse): Finding {
  const dead = total?.deadLettered ?? 0n
  const figure = number(dead)
  if (dead === 0n) return { tone: 'good', figure, words: 'Nothing failed to be stored in 24 hours.' }
  return {
    tone: 'warn',
    figure,
    words: `${figure} could not be stored in 24 hours; they are kept with the reason.`,
  }
}

function lag({ processing }: GetPlatformAnalyticsResponse): Finding {
  const partitions = processing?.partitions ?? []
  const orphans = partitions.filter(each => !each.writer).length
  const waiting = partitions.reduce((sum, each) => sum + each.backlogEvents, 0n)
  const figure = `${number(waiting, { compact: true })} waiting`
  if (orphans > 0)
    return {
      tone: 'bad',
      figure,
      words: `${orphans} of ${partitions.length} partitions have no writer: start one.`,
    }
  if (waiting > 100_000n)
    return { tone: 'warn', figure, words: 'The writers are behind; the log holds what waits.' }
  return { tone: 'good', figure, words: `${partitions.length} partitions, each with a writer.` }
}
