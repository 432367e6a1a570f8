/** Runs and editions in words: messages of the contract come in, words, tones of chips and rows of tables go out. */
import { timestampMs } from '@bufbuild/protobuf/wkt'
import type { Option, Tone } from '../../common/words'
import {
  type Edition,
  type EditionFile,
  type Run,
  Run_State as State,
} from '../../gen/tidemark/v1/edition_pb'
import { ReportFormat as Format, type SectionProof, type TableProof } from '../../gen/tidemark/v1/report_pb'
import type { TimeRange } from '../../gen/tidemark/v1/question_pb'
import { local, words } from '../../model/range'

export const FORMATS: (Option<Format> & { ending: string; hint: string })[] = [
  { value: Format.PDF, title: 'PDF', ending: 'pdf', hint: 'Pages to print' },
  { value: Format.XLSX, title: 'XLSX', ending: 'xlsx', hint: 'A workbook with charts' },
  { value: Format.CSV, title: 'CSV', ending: 'zip', hint: 'One file for each table, zipped' },
  { value: Format.JSON, title: 'JSON', ending: 'json', hint: 'For programs' },
  { value: Format.HTML, title: 'HTML', ending: 'html', hint: 'One page' },
]

export const STATES: (Option<State> & { tone: Tone })[] = [
  { value: State.PENDING, title: 'waits for its turn', tone: 'warn' },
  { value: State.WAITING, title: 'waits for data', tone: 'warn' },
  { value: State.RUNNING, title: 'is being made', tone: 'warn' },
  { value: State.DONE, title: 'made', tone: 'good' },
  { value: State.SKIPPED, title: 'left out', tone: '' },
  { value: State.FAILED, title: 'failed', tone: 'bad' },
  { value: State.CANCELLED, title: 'cancelled', tone: '' },
]

/** How long links may live, in seconds. */
export const LIFETIMES: Option<number>[] = [
  { value: 86_400, title: '1 day' },
  { value: 7 * 86_400, title: '7 days' },
  { value: 30 * 86_400, title: '30 days' },
  { value: 90 * 86_400, title: '90 days' },
]

/** The name of the report that an edition, a run or a schedule is of. */
export function reportOf(name: string): string {
  return name.split('/').slice(0, 4).join('/')
}

/** Formats as words, in the order in which they are offered. */
export function formatsOf(formats: readonly Format[]): string {
  const named = FORMATS.filter(each => formats.includes(each.value)).map(each => each.title)
  return named.join(', ') || 'PDF'
}

/** Whether a run is under way, or may be. */
export function pending({ state }: Run): boolean {
  return state === State.PENDING || state === State.WAITING || state === State.RUNNING
}

/** Whether a run can be begun anew. */
export function retriable({ state }: Run): boolean {
  return state === State.FAILED || state === State.CANCELLED
}

/** The tables of a proof, each with its section; sections without tables stand by themselves. */
export function rows(sections: readonly SectionProof[]): { section: SectionProof; table?: TableProof }[] {
  return sections.flatMap(section =>
    section.tables.length ? section.tables.map(table => ({ section, table })) : [{ section }],
  )
}

/** What files leave out of tables: `PDF: 500 of 12 000 rows of orders`. */
export function cuts(files: readonly EditionFile[], sections: readonly SectionProof[]) {
  const whole = new Map(sections.flatMap(({ tables }) => tables.map(each => [each.tableId, each.rowCount])))
  return files.flatMap(({ format, cutTables }) =>
    Object.entries(cutTables).map(([table, held]) => ({ format, table, held, whole: whole.get(table) })),
  )
}

/** How an edition stands beside the one it repeats. */
export function repeated({ manifest }: Edition): { title: string; tone: Tone } | undefined {
  if (!manifest?.rerunOf) return undefined
  return manifest.differences.length
    ? { title: 'differs from the first', tone: 'warn' }
    : { title: 'same figures as the first', tone: 'good' }
}

/** The span that an edition tells of: days where it is made of whole ones. */
export function told(range: TimeRange | undefined, zone: string): string {
  const { start, end } = range ?? {}
  if (!start || !end) return words(range, zone)
  const [from, to] = [timestampMs(start), timestampMs(end)]
  const whole = [from, to].every(each => local(each, zone).endsWith('T00:00'))
  if (!whole) return words(range, zone)
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: zone }).formatRange(from, to - 1)
}

/** The newest of each report, by the report's name. */
export function newest<T extends { name: string; createTime?: Edition['createTime'] }>(
  all: readonly T[],
): Map<string, T> {
  const found = new Map<string, T>()
  for (const each of all) {
    const report = reportOf(each.name)
    const known = found.get(report)
    if (!known || at(each) > at(known)) found.set(report, each)
  }
  return found
}

function at({ createTime }: { createTime?: Edition['createTime'] }): number {
  return createTime ? timestampMs(createTime) : 0
}
