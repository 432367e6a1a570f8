import { expect, test } from 'vitest'
import { parts } from '../../src/reports/frame'

test('styles come apart from the page, and links lead nowhere but into it', () => {
  const { page, styles } = parts(
    '<!doctype html><html><head><style>h1 { color: red }</style></head><body><a href="#a">A</a><a href="https://example.com">B</a><h1 id="a">A</h1></body></html>',
  )
  expect(styles).toEqual(['h1 { color: red }'])
  expect(page.querySelector('style')).toBeNull()
  expect([...page.querySelectorAll('a')].map(each => each.getAttribute('href'))).toEqual([
    'about:srcdoc#a',
    null,
  ])
})
