import { create, toJson } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { DashboardSchema } from '../../src/gen/tidemark/v1/dashboard_pb'
import { read, write } from '../../src/model/file'

const dashboard = create(DashboardSchema, {
  name: 'projects/acme/dashboards/sales',
  displayName: 'Sales',
  etag: 'abc',
  builtIn: true,
  createTime: { seconds: 1n },
  tiles: [
    { id: 'note', content: { case: 'text', value: '# <b>Sales</b>' }, layout: { width: 6, height: 4 } },
  ],
})

test('a file brings a dashboard back without what belongs to its old place', () => {
  const back = read(write(dashboard))
  expect(back).toMatchObject({ name: '', etag: '', builtIn: false, displayName: 'Sales' })
  expect(back.createTime).toBeUndefined()
  expect(back.tiles).toEqual(dashboard.tiles)
})

test('the JSON form that the API gives is such a file', () => {
  const text = JSON.stringify(toJson(DashboardSchema, dashboard))
  expect(read(text).displayName).toBe('Sales')
})

test.each([
  ['', 'not JSON'],
  ['hello', 'not JSON'],
  ['[]', 'not a dashboard'],
  ['{}', 'neither name nor tiles'],
  ['{"displayName": 7}', 'not a dashboard'],
  ['{"display_name": "Sales", "widgets": []}', 'widgets'],
])('%s is refused with a reason', (text, reason) => {
  expect(() => read(text)).toThrow(reason)
})
