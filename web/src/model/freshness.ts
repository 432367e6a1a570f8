/** How fresh an answer is, as a word and a colour: metadata and the state of the stream come in, what every tile says about itself
 * goes out. */
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { DataSource, type QueryMetadata } from '../gen/tidemark/v1/question_pb'
import { duration, percent } from './format'

/** How the stream of an answer stands, as `client/follow.ts` tells it; `still` for an answer that is not followed. */
export type Standing = 'opening' | 'live' | 'resuming' | 'ended' | 'still'

export type Freshness = {
  tone: 'good' | 'warn' | 'bad' | 'quiet'
  /** A few words. */
  words: string
  /** All there is to know, sentence by sentence. */
  detail: string[]
}

/** A watermark that is further behind than this is worth a word. */
const BEHIND = 30_000

const SOURCES: Record<DataSource, string> = {
  [DataSource.UNSPECIFIED]: '',
  [DataSource.RAW]: 'Read from rows as they came.',
  [DataSource.ROLLUP]: 'Read from rollups.',
  [DataSource.SEGMENT]: 'Read from columnar segments.',
  [DataSource.CACHE]: 'An answer kept from before.',
}

/** Says how fresh an answer is. `sent` is when the server sent the last message, by its own clock, in milliseconds. */
export function freshness(
  metadata: QueryMetadata | undefined,
  standing: Standing,
  sent: number | undefined,
  exact: (ms: number) => string,
): Freshness {
  const detail = metadata ? details(metadata, exact) : []
  if (standing === 'ended') return { tone: 'bad', words: 'not updated', detail }
  if (standing === 'resuming') return { tone: 'warn', words: 'reconnecting…', detail }
  if (!metadata || standing === 'opening') return { tone: 'quiet', words: 'loading…', detail }
  const lag = behind(metadata, sent)
  if (lag === undefined) return { tone: 'quiet', words: 'nothing received', detail }
  if (lag > BEHIND) return { tone: 'warn', words: `behind by ${duration(lag / 1000)}`, detail }
  if (metadata.completeness < 0.995)
    return { tone: 'warn', words: `${percent(metadata.completeness)} complete`, detail }
  if (standing === 'still') return { tone: 'good', words: 'complete', detail }
  return { tone: 'good', words: lag > 0 ? `live · ${duration(lag / 1000)}` : 'live', detail }
}

/** How far, in milliseconds, the watermark is behind the time asked about; nothing was received when undefined. */
function behind(
  { watermark, timeRange, answeredAt }: QueryMetadata,
  sent: number | undefined,
): number | undefined {
  if (!watermark) return undefined
  const now = sent ?? (answeredAt ? timestampMs(answeredAt) : Date.UTC(9999))
  const end = timeRange?.end ? Math.min(timestampMs(timeRange.end), now) : now
  // A range that moves on ended when it was computed; its watermark has moved on since.
  const asked = answeredAt && end >= timestampMs(answeredAt) - 1000 ? now : end
  return Math.max(0, asked - timestampMs(watermark))
}

function details(metadata: QueryMetadata, exact: (ms: number) => string): string[] {
  const { watermark, completeness, source, errorBound, elapsed, notes } = metadata
  return [
    watermark ? `Complete up to ${exact(timestampMs(watermark))}.` : 'Nothing was received yet.',
    Number.isNaN(completeness) ? 'The share that is here is not known.' : `${percent(completeness)} is here.`,
    SOURCES[source],
    errorBound ? `From sketches: off by ${percent(errorBound)} at most.` : '',
    elapsed ? `Answered in ${duration(Number(elapsed.seconds) + elapsed.nanos / 1e9)}.` : '',
    ...notes.map(sentence),
  ].filter(said => said !== '')
}

function sentence(note: string): string {
  return `${note.charAt(0).toUpperCase()}${note.slice(1)}${/[.!?]$/.test(note) ? '' : '.'}`
}
