/** Schedules as people make them: presets of cron expressions, and how a schedule stands. */
import { clone, create } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import type { Option, Tone } from '../../common/words'
import { ReportFormat as Format } from '../../gen/tidemark/v1/report_pb'
import { type Schedule, ScheduleSchema, Schedule_CatchUp as CatchUp } from '../../gen/tidemark/v1/schedule_pb'
import { instant } from '../../model/format'
import { reportOf } from './edition'

export const PRESETS: Option<string>[] = [
  { value: '0 7 * * *', title: 'Daily at 07:00' },
  { value: '0 7 * * MON-FRI', title: 'Working days at 07:00' },
  { value: '0 7 * * MON', title: 'Mondays at 07:00' },
  { value: '0 7 1 * *', title: 'The first of the month at 07:00' },
  { value: '0 * * * *', title: 'Every hour' },
]

export const CATCH_UPS: Option<CatchUp>[] = [
  { value: CatchUp.UNSPECIFIED, title: 'the last of them runs' },
  { value: CatchUp.ALL, title: 'all of them run' },
  { value: CatchUp.NONE, title: 'none of them runs' },
]

/** What an editor begins with. */
export function begun(): Schedule {
  return create(ScheduleSchema, { cron: '0 7 * * MON', formats: [Format.PDF] })
}

/** The schedule, going on or paused. */
export function turned(schedule: Schedule): Schedule {
  return Object.assign(clone(ScheduleSchema, schedule), { paused: !schedule.paused })
}

/** The preset of an expression; its own words where it is none. */
export function presetOf(cron: string): string {
  return PRESETS.find(({ value }) => value === cron.trim())?.title ?? cron
}

/** How a schedule stands now. */
export function standing({ paused, nextTime }: Schedule, zone: string): { title: string; tone: Tone } {
  if (paused) return { title: 'paused', tone: '' }
  return nextTime
    ? { title: instant(timestampMs(nextTime), zone), tone: 'good' }
    : { title: 'no slot to come', tone: 'warn' }
}

/** The schedule of each report whose slot comes first. */
export function nextOf(schedules: readonly Schedule[]): Map<string, Schedule> {
  const found = new Map<string, Schedule>()
  for (const each of schedules) {
    if (!each.nextTime) continue
    const report = reportOf(each.name)
    const known = found.get(report)
    if (!known || timestampMs(each.nextTime) < timestampMs(known.nextTime!)) found.set(report, each)
  }
  return found
}
