import { describe, expect, test } from 'vitest'
import { parsed } from '../../src/model/markdown'

const text = (text: string) => ({ kind: 'text', text })

test('headings, lists and paragraphs are told apart', () => {
  expect(parsed('# One\ntwo\nthree\n\n- four\n- five')).toEqual([
    { kind: 'heading', level: 1, content: [text('One')] },
    { kind: 'paragraph', content: [text('two\nthree')] },
    { kind: 'list', items: [[text('four')], [text('five')]] },
  ])
})

test('bold and italics may stand in a line', () => {
  expect(parsed('a **b** *c* d')[0]).toEqual({
    kind: 'paragraph',
    content: [
      text('a '),
      { kind: 'bold', content: [text('b')] },
      text(' '),
      { kind: 'italic', content: [text('c')] },
      text(' d'),
    ],
  })
})

describe('links', () => {
  test.each(['https://example.org/a?b=c', 'http://example.org/', 'mailto:ann@example.org'])(
    'to %s may be followed',
    href => {
      expect(parsed(`[x](${href})`)[0]).toMatchObject({ content: [{ kind: 'link', href }] })
    },
  )

  test.each([
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    '//example.org',
    '/session',
  ])('to %s stay text', href => {
    expect(JSON.stringify(parsed(`[x](${href})`))).not.toContain('"link"')
  })
})

test('markup in a text is text', () => {
  expect(parsed('<img src=x onerror=alert(1)>')).toEqual([
    { kind: 'paragraph', content: [text('<img src=x onerror=alert(1)>')] },
  ])
})

test('a text of nothing but marks ends', () => {
  expect(parsed('*'.repeat(10_000)).length).toBe(1)
  expect(parsed('['.repeat(5_000) + ']'.repeat(5_000)).length).toBe(1)
})
