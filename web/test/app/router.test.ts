import { expect, test, vi } from 'vitest'
import { navigate, route, start } from '../../src/app/router'

test.each([
  ['/', { page: 'home' }],
  ['/dashboards', { page: 'dashboards' }],
  ['/dashboards/sales', { page: 'dashboard', id: 'sales' }],
  ['/dashboards/a%20b', { page: 'dashboard', id: 'a b' }],
  ['/dashboards/%', { page: 'dashboard', id: '%' }],
  ['/explore', { page: 'explore' }],
  ['/live', { page: 'live' }],
  ['/data', { page: 'data', section: 'events', id: '' }],
  ['/data/letters', { page: 'data', section: 'letters', id: '' }],
  ['/data/events/order%20placed', { page: 'data', section: 'events', id: 'order placed' }],
  ['/data/events/a/b', { page: 'missing' }],
  ['/data/elsewhere', { page: 'missing' }],
  ['/insights', { page: 'insights', section: 'findings', id: '' }],
  ['/insights/findings/a1', { page: 'insights', section: 'findings', id: 'a1' }],
  ['/insights/models/churn', { page: 'insights', section: 'models', id: 'churn' }],
  ['/insights/models/churn/1', { page: 'missing' }],
  ['/insights/elsewhere', { page: 'missing' }],
  ['/reports', { page: 'reports', section: 'all', id: '' }],
  ['/reports/builder/weekly', { page: 'reports', section: 'builder', id: 'weekly' }],
  ['/reports/elsewhere', { page: 'missing' }],
  ['/live/more', { page: 'missing' }],
  ['/dashboards/sales/tiles', { page: 'missing' }],
  ['/admin', { page: 'missing' }],
])('%s leads to its page', (path, page) => {
  expect(route(path)).toEqual(page)
})

test('links within the page do not load anew', () => {
  const heard = vi.fn()
  const stop = start(heard)
  const link = document.createElement('a')
  link.href = '/explore?q=1'
  document.body.append(link)
  link.click()
  expect(location.pathname + location.search).toBe('/explore?q=1')
  expect(heard).toHaveBeenCalledWith(true)
  navigate('/explore?q=2', { replace: true })
  expect(heard).toHaveBeenLastCalledWith(false)
  stop()
})
