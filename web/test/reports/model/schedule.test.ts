import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { ScheduleSchema } from '../../../src/gen/tidemark/v1/schedule_pb'
import { nextOf, presetOf, standing, turned } from '../../../src/reports/model/schedule'

test('a schedule says when it runs next, and the first of a report counts', () => {
  const schedule = (id: string, at: number) =>
    create(ScheduleSchema, {
      name: `projects/p/reports/a/schedules/${id}`,
      cron: '0 7 * * MON',
      nextTime: timestampFromMs(at),
    })
  const [late, soon] = [schedule('late', 2e12), schedule('soon', 1e12)]
  expect(nextOf([late, soon]).get('projects/p/reports/a')).toBe(soon)
  expect(presetOf(late.cron)).toBe('Mondays at 07:00')
  expect(presetOf('5 4 * * *')).toBe('5 4 * * *')
  expect(standing(turned(late), 'UTC').title).toBe('paused')
  expect(standing(late, 'UTC').tone).toBe('good')
})
