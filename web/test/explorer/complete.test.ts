import { afterEach, expect, test, vi } from 'vitest'
import '../../src/explorer/complete'
import type { Complete } from '../../src/explorer/complete'

const HOSTILE = '<img src=x onerror="alert(1)">'

afterEach(() => document.body.replaceChildren())

/** A field that offers these texts, and the input within it. */
async function field(...offered: string[]) {
  const element: Complete = document.createElement('tm-complete')
  element.suggest = () => Promise.resolve(offered.map(value => ({ value, count: 1n })) as never)
  document.body.append(element)
  await element.updateComplete
  const input = element.shadowRoot!.querySelector('input')!
  const changed = vi.fn<(text: string) => void>()
  element.addEventListener('change', event => changed((event as CustomEvent<string>).detail))
  return { element, input, changed }
}

async function options(element: Complete) {
  await vi.waitFor(() => expect(element.shadowRoot!.querySelectorAll('li').length).toBeGreaterThan(0))
  return [...element.shadowRoot!.querySelectorAll('li')]
}

function press(input: HTMLElement, key: string) {
  input.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))
}

test('names of strangers are texts, never markup', async () => {
  const { element, input } = await field(HOSTILE)
  input.dispatchEvent(new FocusEvent('focus'))
  const [option] = await options(element)
  expect(option!.textContent).toContain(HOSTILE)
  expect(element.shadowRoot!.querySelector('img')).toBeNull()
})

test('a suggestion is chosen by keyboard', async () => {
  const { element, input, changed } = await field('commit', 'file_changed')
  input.dispatchEvent(new FocusEvent('focus'))
  await options(element)
  press(input, 'ArrowDown')
  press(input, 'ArrowDown')
  await element.updateComplete
  expect(input.getAttribute('aria-activedescendant')).toBe('option-1')
  press(input, 'Enter')
  expect(changed).toHaveBeenCalledExactlyOnceWith('file_changed')
})

test('what is typed counts, whether it is offered or not, and is told once', async () => {
  const { input, changed } = await field('commit')
  input.value = 'my_own'
  input.dispatchEvent(new Event('input'))
  press(input, 'Enter')
  input.dispatchEvent(new FocusEvent('blur'))
  expect(changed).toHaveBeenCalledExactlyOnceWith('my_own')
})

test('leaving without typing changes nothing', async () => {
  const { input, changed } = await field('commit')
  input.dispatchEvent(new FocusEvent('focus'))
  input.dispatchEvent(new FocusEvent('blur'))
  expect(changed).not.toHaveBeenCalled()
})
