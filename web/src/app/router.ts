/** Which page an address stands for, and the way from one to another without loading anew. */

export type Route =
  | { page: 'home' | 'dashboards' | 'explore' | 'live' | 'missing' }
  | { page: 'dashboard'; id: string }
  | { page: 'data'; section: DataSection; id: string }
  | { page: 'insights'; section: InsightSection; id: string }
  | { page: 'reports'; section: ReportSection; id: string }

/** What there is to see and do about the data itself. */
const DATA = [
  'events',
  'schemas',
  'rules',
  'letters',
  'windows',
  'ledger',
  'producers',
  'partitions',
  'privacy',
] as const
export type DataSection = (typeof DATA)[number]

/** What has been found out, what is to be expected, and who is told. */
const INSIGHTS = [
  'findings',
  'baselines',
  'indicators',
  'forecast',
  'models',
  'alerts',
  'incidents',
  'channels',
] as const
export type InsightSection = (typeof INSIGHTS)[number]

/** What is reported: what is to be made, what was made, and where it went. */
const REPORTS = ['all', 'builder', 'schedules', 'runs', 'deliveries', 'destinations', 'templates'] as const
export type ReportSection = (typeof REPORTS)[number]

/** The page of a path. */
export function route(path: string): Route {
  const [first = '', second, ...rest] = path.split('/').slice(1)
  if (first === '') return { page: 'home' }
  if (first === 'dashboards' && second && rest.length === 0) return { page: 'dashboard', id: decoded(second) }
  if (rest.length < 2) {
    const id = decoded(rest[0] ?? '')
    const data = first === 'data' && DATA.find(each => each === (second || DATA[0]))
    if (data) return { page: 'data', section: data, id }
    const insights = first === 'insights' && INSIGHTS.find(each => each === (second || INSIGHTS[0]))
    if (insights) return { page: 'insights', section: insights, id }
    const reports = first === 'reports' && REPORTS.find(each => each === (second || REPORTS[0]))
    if (reports) return { page: 'reports', section: reports, id }
  }
  if (second) return { page: 'missing' }
  if (first === 'dashboards' || first === 'explore' || first === 'live') return { page: first }
  return { page: 'missing' }
}

/** A part of a path as it was before it was escaped; one that is badly escaped is left as it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** Goes to a path; with `replace` the present one is forgotten, as for a state that is kept in the address. */
export function navigate(path: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', path)
  else history.pushState(null, '', path)
  dispatchEvent(new CustomEvent('tm-route', { detail: { replace } }))
}

/** Whether a `tm-route` leads elsewhere, instead of keeping a state of the same place in the address. */
export function moved(event: Event): boolean {
  return !(event as CustomEvent<{ replace: boolean }>).detail.replace
}

/** Takes clicks on links within the page, wherever they are, and tells of every change by `heard`. */
export function start(heard: (elsewhere: boolean) => void): () => void {
  const click = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return
    const link = event.composedPath().find(node => node instanceof HTMLAnchorElement)
    if (!link || link.target || link.download || link.origin !== location.origin) return
    event.preventDefault()
    if (link.href !== location.href) navigate(link.pathname + link.search + link.hash)
  }
  const routed = (event: Event) => heard(moved(event))
  const popped = () => heard(true)
  document.addEventListener('click', click)
  addEventListener('tm-route', routed)
  addEventListener('popstate', popped)
  return () => {
    document.removeEventListener('click', click)
    removeEventListener('tm-route', routed)
    removeEventListener('popstate', popped)
  }
}
