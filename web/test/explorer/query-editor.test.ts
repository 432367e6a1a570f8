import { create, equals } from '@bufbuild/protobuf'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import '../../src/explorer/query-editor'
import type { QueryEditor } from '../../src/explorer/query-editor'
import { Compare, type Query, QuerySchema } from '../../src/gen/tidemark/v1/question_pb'
import { KINDS, count, first, turned } from '../../src/model/question'

const session = {
  project: 'projects/demo',
  title: 'Demo',
  zone: 'UTC',
  role: 'analyst' as const,
  author: true,
  operator: false,
  projects: ['projects/demo'],
  ends: new Date(),
}

// No server is there: what is asked of it stays open.
beforeEach(() => void vi.stubGlobal('fetch', () => new Promise(() => undefined)))
afterEach(() => document.body.replaceChildren())

/** An editor of a question, and the questions that it gave out. */
async function editing(query: Query) {
  const element: QueryEditor = document.createElement('tm-query-editor')
  Object.assign(element, { session, query })
  const given: Query[] = []
  element.addEventListener('change', event => given.push((event as CustomEvent<Query>).detail))
  document.body.append(element)
  await element.updateComplete
  const find = (label: string) => element.shadowRoot!.querySelector<HTMLElement>(`[aria-label="${label}"]`)!
  const button = (text: string) =>
    [...element.shadowRoot!.querySelectorAll('button')].find(each => each.textContent?.trim() === text)!
  return { element, given, find, button }
}

test.each(KINDS)('a question of kind $kind is one click away', async ({ kind, title }) => {
  const other = kind === 'series' ? 'table' : 'series'
  const { given, button } = await editing(turned(first(), other))
  button(title).click()
  expect(given.map(each => each.question.case)).toEqual([kind])
})

test('the question that came in stays as it was', async () => {
  const query = first()
  const { given, button } = await editing(query)
  button('Measure').click()
  expect(equals(QuerySchema, query, first())).toBe(true)
  expect(given[0]?.question.value).toMatchObject({ measures: [{}, {}] })
})

test('a comparison is ticked', async () => {
  const { element, given } = await editing(first())
  element.shadowRoot!.querySelector<HTMLInputElement>('input[type=checkbox]')!.click()
  expect(given[0]?.question.value).toMatchObject({ compare: Compare.PREVIOUS_PERIOD })
})

test('a text field for the name of every measure is labelled', async () => {
  const value = { measures: [count('a'), count('b')] }
  const { element } = await editing(create(QuerySchema, { question: { case: 'series', value } }))
  const names = [...element.shadowRoot!.querySelectorAll('tm-complete')].filter(
    each => each.label === 'Event',
  )
  expect(names.map(each => each.value)).toEqual(['a', 'b'])
  for (const input of element.shadowRoot!.querySelectorAll('input, select'))
    expect(input.getAttribute('aria-label') ?? input.closest('label')?.textContent).toBeTruthy()
})
