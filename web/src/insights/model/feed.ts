/** The feed of insights: what is wanted of it, and what it is after something has changed. */
import {
  type Cause,
  type Insight,
  Insight_State as State,
  type InsightType,
  type Severity,
} from '../../gen/tidemark/v1/insight_pb'

/** What somebody wants to see; 0 and empty stand for all. */
export type Wanted = {
  type: InsightType
  least: Severity
  state: State
  cause: Cause
  search: string
}

export const ALL: Wanted = { type: 0, least: 0, state: 0, cause: 0, search: '' }

/** The same as `ListInsights` takes it. */
export function asked({ type, least, state, cause, search }: Wanted) {
  return { types: type ? [type] : [], leastSeverity: least, states: state ? [state] : [], cause, search }
}

/** Whether an insight is among what is wanted: as the server chooses it. */
export function fits(insight: Insight, { type, least, state, cause, search }: Wanted): boolean {
  const states = state ? [state] : [State.OPEN, State.ACKNOWLEDGED]
  const sought = search.toLowerCase()
  return (
    (!type || insight.type === type) &&
    insight.severity >= least &&
    states.includes(insight.state) &&
    (!cause || insight.cause === cause) &&
    [insight.title, insight.subject].some(text => text.toLowerCase().includes(sought))
  )
}

/** The feed after these were made or changed: what no longer fits goes, what matters most comes first. What was loaded by itself and
 * has not changed is kept, evidence and all. */
export function merged(feed: readonly Insight[], changed: readonly Insight[], wanted: Wanted): Insight[] {
  const known = new Map(feed.map(each => [each.name, each]))
  for (const insight of changed)
    if (fits(insight, wanted)) known.set(insight.name, insight)
    else known.delete(insight.name)
  return [...known.values()].sort((a, b) => b.priority - a.priority || a.name.localeCompare(b.name))
}

/** What is wanted, as a part of the address. */
export function write(wanted: Wanted): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(wanted)) if (value) search.set(name, String(value))
  return search.size ? `?${search}` : ''
}

/** The way back. */
export function read(address: string): Wanted {
  const given = new URLSearchParams(address)
  const number = (name: string) => Number(given.get(name)) || 0
  return {
    type: number('type'),
    least: number('least'),
    state: number('state'),
    cause: number('cause'),
    search: given.get('search') ?? '',
  }
}
