import { create } from '@bufbuild/protobuf'
import { afterEach, expect, test, vi } from 'vitest'
import { StoredEventSchema } from '../../src/gen/tidemark/v1/question_pb'
import '../../src/live/event-row'
import type { EventRow } from '../../src/live/event-row'

const HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(1)>'

afterEach(() => document.body.replaceChildren())

async function row() {
  const element: EventRow = document.createElement('tm-event-row')
  const propertiesJson = new TextEncoder().encode(JSON.stringify({ [HOSTILE]: HOSTILE }))
  element.stored = create(StoredEventSchema, {
    event: { name: HOSTILE, userId: HOSTILE, propertiesJson, occurredAt: { seconds: 1n } },
  })
  document.body.append(element)
  await element.updateComplete
  return element
}

test('texts of strangers are never markup, closed or open', async () => {
  const element = await row()
  element.shadowRoot!.querySelector('button')!.click()
  await element.updateComplete
  expect(element.shadowRoot!.querySelector('script, img')).toBeNull()
  expect(element.shadowRoot!.querySelector('.name')!.textContent).toBe(HOSTILE)
  expect(element.shadowRoot!.querySelector('pre')!.textContent).toContain('onerror')
})

test('from an event its like is one click away', async () => {
  const element = await row()
  const narrowed = vi.fn<(detail: unknown) => void>()
  element.addEventListener('narrow', event => narrowed((event as CustomEvent<unknown>).detail))
  element.shadowRoot!.querySelector('button')!.click()
  await element.updateComplete
  const wanted = [...element.shadowRoot!.querySelectorAll('button')].find(
    each => each.textContent === 'Only this person',
  )
  wanted!.click()
  expect(narrowed).toHaveBeenCalledExactlyOnceWith({ field: 'user_id', value: HOSTILE })
})
