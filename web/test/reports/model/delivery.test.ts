import { expect, test } from 'vitest'
import { destination, reached } from '../../../src/reports/model/delivery'

test('a destination is made of what was written for its kind', () => {
  const text = (values: Record<string, string>) => (name: string) => values[name] ?? ''
  const mail = destination('email', 'Team', text({ to: 'a@example.com, b@example.com' }))
  expect(mail.target).toMatchObject({ case: 'email', value: { to: ['a@example.com', 'b@example.com'] } })
  expect(reached(mail)).toBe('a@example.com, b@example.com')
  expect(reached(destination('folder', 'Disk', text({})))).toBe('the operator’s folder')
  const bucket = destination(
    's3',
    'Bucket',
    text({ endpoint: 'https://s3.example.com', bucket: 'b', prefix: 'r/' }),
  )
  expect(reached(bucket)).toBe('https://s3.example.com/b/r/')
})
