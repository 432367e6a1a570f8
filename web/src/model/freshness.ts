/** How fresh an answer is, as a word and a colour: metadata and the state of the stream come in, what every tile says about itself
 * goes out. */
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { DataSource, type QueryMetadata } from '../gen/tidemark/v1/question_pb'
import { duration, percent, roughly } from './format'

/** How the stream of an answer stands, as `client/follow.ts` tells it; `still` for an answer that is not followed. */
export type Standing = 'opening' | 'live' | 'resuming' | 'ended' | 'still'

export type Freshness = {
  tone: 'good' | 'warn' | 'bad' | 'quiet'
  /** A few words. */
  words: string
  /** As few as can be, where there is no room for more; none while all is well. */
  short: string
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

/** What is known of an answer beside its metadata: how its stream stands; when the server sent the last message, by its own
 * clock, and a watermark that is newer than the answer, both in milliseconds; why there is no newer answer. */
export type Heard = { standing: Standing; sent?: number; watermark?: number; error?: object }

/** Says how fresh an answer is; `exact` writes an instant. */
export function freshness(
  metadata: QueryMetadata | undefined,
  { standing, sent, watermark: heard, error }: Heard,
  exact: (ms: number) => string,
): Freshness {
  const own = metadata?.watermark && timestampMs(metadata.watermark)
  const watermark = own === undefined ? heard : Math.max(own, heard ?? own)
  const detail = metadata ? details(metadata, watermark, exact) : []
  if (standing === 'ended') return { tone: 'bad', words: 'not updated', short: 'ended', detail }
  if (standing === 'resuming') return { tone: 'warn', words: 'reconnecting…', short: '…', detail }
  if (error) return { tone: 'bad', words: 'failed', short: 'failed', detail }
  if (!metadata) return { tone: 'quiet', words: 'loading…', short: '', detail }
  if (watermark === undefined) return { tone: 'quiet', words: 'nothing received', short: '', detail }
  const lag = behind(metadata, watermark, sent)
  const late = roughly(lag / 1000)
  // Where little comes in the watermark stands still, and nothing is missing: all that was received is in the answer.
  const whole = metadata.completeness >= 0.9995
  if (lag > BEHIND && !whole) return { tone: 'warn', words: `behind by ${late}`, short: late, detail }
  const share = percent(metadata.completeness)
  if (metadata.completeness < 0.995) return { tone: 'warn', words: `${share} complete`, short: share, detail }
  if (standing === 'still') return { tone: 'good', words: 'complete', short: '', detail }
  return { tone: 'good', words: lag > 0 && lag <= BEHIND ? `live · ${late}` : 'live', short: '', detail }
}

/** How far the watermark is behind the time asked about. */
function behind(
  { timeRange, answeredAt }: QueryMetadata,
  watermark: number,
  sent: number | undefined,
): number {
  const answered = answeredAt && timestampMs(answeredAt)
  const end = timeRange?.end && timestampMs(timeRange.end)
  // A range that ended when it was answered moves on with the clock.
  const moving = end === undefined || (answered !== undefined && end >= answered - 1000)
  const asked = moving ? (sent ?? answered ?? watermark) : end
  return Math.max(0, asked - watermark)
}

function details(
  metadata: QueryMetadata,
  watermark: number | undefined,
  exact: (ms: number) => string,
): string[] {
  const { completeness, source, errorBound, elapsed, notes } = metadata
  return [
    watermark === undefined ? 'Nothing was received yet.' : `Complete up to ${exact(watermark)}.`,
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
