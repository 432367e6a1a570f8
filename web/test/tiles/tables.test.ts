import { create } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { beforeEach, describe, expect, test } from 'vitest'
import { TileSchema } from '../../src/gen/tidemark/v1/dashboard_pb'
import { Aggregation, RetentionResultSchema, TableResultSchema } from '../../src/gen/tidemark/v1/question_pb'
import type { Answer } from '../../src/model/answer'
import type { Match } from '../../src/tiles/drawing'
import '../../src/tiles/ranks'
import type { Ranks } from '../../src/tiles/ranks'
import '../../src/tiles/retention'
import type { Retention } from '../../src/tiles/retention'
import '../../src/tiles/table'
import type { TableElement } from '../../src/tiles/table'
import { all, drawn, find, heard, text } from './drawn'

const HOSTILE = '<img src=x onerror="window.hacked = true">'

const tile = create(TileSchema, {
  id: 't',
  title: 'Countries',
  content: {
    case: 'query',
    value: {
      question: {
        case: 'table',
        value: {
          measures: [{ name: 'order', aggregation: Aggregation.COUNT }],
          groupBy: ['properties.country'],
        },
      },
    },
  },
})

const answer: Answer = {
  result: {
    case: 'table',
    value: create(TableResultSchema, {
      columns: [{ id: 'A' }],
      rows: [
        { group: [HOSTILE], values: [30], previousValues: [20] },
        { group: ['DE'], values: [10], previousValues: [20] },
        { other: true, values: [5] },
      ],
    }),
  },
}

const names = (element: Element) => all(element, 'tbody tr').map(row => text(row.firstElementChild))

describe('a table', () => {
  let element: TableElement

  beforeEach(async () => {
    element = await drawn<TableElement>('tm-table', { tile, answer, drill: true })
  })

  test('shows its rows in the order of the answer, with what has changed', () => {
    expect(names(element)).toEqual([HOSTILE, 'DE', 'other'])
    expect(text(find(element, 'tbody tr td.number'))).toBe('30 +50%')
    expect(find(element, 'tbody tr:nth-child(2) .was').classList.contains('bad')).toBe(true)
  })

  test('draws a hostile name as the text that it is', () => {
    expect(all(element, 'img')).toEqual([])
    expect((globalThis as { hacked?: boolean }).hacked).toBeUndefined()
  })

  test('is sorted by a click on a head, the rest staying last, and says so', async () => {
    const head = find(element, 'th:first-child')
    head.querySelector('button')!.click()
    await element.updateComplete
    expect(names(element)).toEqual([HOSTILE, 'DE', 'other'])
    expect(head.getAttribute('aria-sort')).toBe('ascending')
    head.querySelector('button')!.click()
    await element.updateComplete
    expect(names(element)).toEqual(['DE', HOSTILE, 'other'])
  })

  test('tells what to show only when a name is clicked', async () => {
    const told = heard<Match[]>(element, 'tm-filter')
    find(element, 'tbody tr:nth-child(2) button').click()
    expect(await told).toEqual([{ field: 'properties.country', value: 'DE' }])
  })

  test('tells who is asked for by the button at the end of a row', async () => {
    const told = heard(element, 'tm-point')
    find(element, 'tbody tr:nth-child(2) .who button').click()
    expect(await told).toEqual({ kind: 'row', group: ['DE'], other: false })
  })

  test('has no buttons where they lead nowhere', async () => {
    const plain = await drawn<TableElement>('tm-table', { tile, answer })
    expect(all(plain, 'td button')).toEqual([])
  })
})

test('a long table can be searched', async () => {
  const rows = Array.from({ length: 30 }, (_, at) => ({ group: [`country ${at}`], values: [at] }))
  const value = create(TableResultSchema, { columns: [{ id: 'A' }], rows })
  const element = await drawn<TableElement>('tm-table', {
    tile,
    answer: { result: { case: 'table', value } },
  })
  const field = find<HTMLInputElement>(element, 'input[type=search]')
  field.value = 'COUNTRY 2'
  field.dispatchEvent(new Event('input'))
  await element.updateComplete
  expect(names(element)).toHaveLength(11)
})

test('ranks draw the largest over the whole width', async () => {
  const element = await drawn<Ranks>('tm-ranks', { tile, answer })
  const shares = all(element, 'li > *').map(row => row.style.getPropertyValue('--share'))
  expect(shares).toEqual(['100.0%', '33.3%', '16.7%'])
  expect(all(element, 'img')).toEqual([])
})

describe('a retention', () => {
  const retention: Answer = {
    result: {
      case: 'retention',
      value: create(RetentionResultSchema, {
        groups: [
          {
            all: true,
            mean: [1, 0.5],
            rows: [{ start: timestampFromMs(0), people: 4n, back: [4n, 2n], complete: 1 }],
          },
          {
            group: 'pro',
            mean: [1],
            rows: [{ start: timestampFromMs(0), people: 1n, back: [1n], complete: 1 }],
          },
        ],
      }),
    },
  }

  test('tells shares, and which may still grow', async () => {
    const element = await drawn<Retention>('tm-retention', { answer: retention })
    const cells = all(element, 'tbody tr:nth-child(2) td.cell')
    expect(cells.map(text)).toEqual(['100%', '50%'])
    expect(cells.map(cell => cell.classList.contains('open'))).toEqual([false, true])
    expect(cells[1]!.querySelector('span')!.title).toContain('2 of 4 people')
  })

  test('asks who was behind a cell', async () => {
    const element = await drawn<Retention>('tm-retention', { answer: retention, drill: true })
    const told = heard(element, 'tm-point')
    find(element, 'tbody tr:nth-child(2) td:last-child button').click()
    expect(await told).toEqual({ kind: 'retention', start: 0, offset: 1 })
  })

  test('shows one group after the other', async () => {
    const element = await drawn<Retention>('tm-retention', { answer: retention })
    const choice = find<HTMLSelectElement>(element, 'select')
    choice.selectedIndex = 1
    choice.dispatchEvent(new Event('change'))
    await element.updateComplete
    expect(text(find(element, 'tr.mean td.number'))).toBe('1')
  })
})
