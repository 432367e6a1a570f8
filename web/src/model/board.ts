/** Dashboards as people change them: a dashboard and a change come in, another dashboard goes out; and what is asked for one. */
import { type MessageInitShape, clone, create, equals, toBinary } from '@bufbuild/protobuf'
import { base64Encode } from '@bufbuild/protobuf/wire'
import {
  type Dashboard,
  DashboardSchema,
  LayoutSchema,
  type Tile,
  TileSchema,
  WatchDashboardRequestSchema,
} from '../gen/tidemark/v1/dashboard_pb'
import { Compare } from '../gen/tidemark/v1/question_pb'
import { type Place, compact, normal, reading, room } from './layout'
import { copied, freshId, size } from './tile'
import type { View } from './view'

export const MOST_TILES = 50

/** Where the tiles stand. */
export function places({ tiles }: Dashboard): Place[] {
  return tiles.map(place)
}

function place({ id, layout }: Tile): Place {
  return normal({
    id,
    x: layout?.x ?? 0,
    y: layout?.y ?? 0,
    width: layout?.width ?? 0,
    height: layout?.height ?? 0,
  })
}

/** The dashboard with its tiles at these places. */
export function laid(dashboard: Dashboard, standing: readonly Place[]): Dashboard {
  const found = new Map(standing.map(each => [each.id, each]))
  const tiles = dashboard.tiles.map(tile => {
    const at = found.get(tile.id)
    return at ? stood(tile, at) : tile
  })
  return changed(dashboard, { tiles })
}

function stood(tile: Tile, { x, y, width, height }: Omit<Place, 'id'>): Tile {
  return create(TileSchema, { ...tile, layout: create(LayoutSchema, { x, y, width, height }) })
}

/** The dashboard with another version of a tile, or with a new one where there is room for it. */
export function put(dashboard: Dashboard, tile: Tile): Dashboard {
  const at = dashboard.tiles.findIndex(({ id }) => id === tile.id)
  if (at >= 0) return changed(dashboard, { tiles: dashboard.tiles.with(at, tile) })
  const { width, height } = tile.layout?.width ? place(tile) : size(tile)
  const spot = room(places(dashboard), width, height)
  return changed(dashboard, { tiles: [...dashboard.tiles, stood(tile, { ...spot, width, height })] })
}

/** The dashboard without a tile; the others rise. */
export function without(dashboard: Dashboard, id: string): Dashboard {
  const left = changed(dashboard, { tiles: dashboard.tiles.filter(tile => tile.id !== id) })
  return laid(left, compact(places(left)))
}

/** The dashboard with a tile twice. */
export function doubled(dashboard: Dashboard, id: string): Dashboard {
  const tile = dashboard.tiles.find(each => each.id === id)
  return tile ? put(dashboard, copied(tile, freshId(dashboard.tiles))) : dashboard
}

/** The dashboard with other values of some fields. */
export function changed(
  dashboard: Dashboard,
  fields: Partial<Omit<Dashboard, '$typeName' | '$unknown'>>,
): Dashboard {
  return create(DashboardSchema, { ...dashboard, ...fields })
}

/** The tiles in the order in which people read them. */
export function read(dashboard: Dashboard): Tile[] {
  const tiles = new Map(dashboard.tiles.map(tile => [tile.id, tile]))
  return reading(places(dashboard)).map(({ id }) => tiles.get(id)!)
}

/** What to ask for so that a dashboard's tiles are answered: the saved one by its name, or as a draft where it is being changed or
 * is to be compared. */
export function asked(
  dashboard: Dashboard,
  view: View,
  editing: boolean,
): MessageInitShape<typeof WatchDashboardRequestSchema> {
  const known = new Set(dashboard.variables.map(({ id }) => id))
  const variables = [...view.variables]
    .filter(([id]) => known.has(id))
    .map(([id, values]) => ({ id, values: [...values] }))
  const draft = editing || view.compared
  return {
    project: dashboard.name.split('/').slice(0, 2).join('/'),
    dashboard: draft
      ? { case: 'draft', value: drafted(dashboard, view.compared) }
      : { case: 'name', value: dashboard.name },
    timeRange: view.range,
    filter: view.filter,
    variables,
  }
}

/** Two dashboards with the same key have the same answers. */
export function keyOf(request: ReturnType<typeof asked>): string {
  return base64Encode(toBinary(WatchDashboardRequestSchema, create(WatchDashboardRequestSchema, request)))
}

/** Only what matters to the answers, so that moving a tile asks nothing anew. */
function drafted(
  { name, tiles, timeRange, timeZone, filter, variables, refresh }: Dashboard,
  compared: boolean,
): Dashboard {
  const content = tiles.map(({ id, content }) => create(TileSchema, { id, content }))
  content.sort((a, b) => (a.id < b.id ? -1 : 1))
  const draft = create(DashboardSchema, {
    name,
    tiles: content,
    timeRange,
    timeZone,
    filter,
    variables,
    refresh,
  })
  return compared ? withComparison(draft) : draft
}

function withComparison(draft: Dashboard): Dashboard {
  const found = clone(DashboardSchema, draft)
  for (const { content } of found.tiles) {
    const question = content.case === 'query' ? content.value.question : undefined
    if (question?.case === 'series' || question?.case === 'table')
      question.value.compare = Compare.PREVIOUS_PERIOD
  }
  return found
}

/** What somebody else has changed, sentence by sentence. */
export function differences(before: Dashboard, theirs: Dashboard): string[] {
  const found: string[] = []
  if (before.displayName !== theirs.displayName) found.push(`It is called “${theirs.displayName}” now.`)
  if (before.description !== theirs.description) found.push('Its description is another.')
  const old = new Map(before.tiles.map(tile => [tile.id, tile]))
  const now = new Map(theirs.tiles.map(tile => [tile.id, tile]))
  for (const [id, tile] of now) {
    const known = old.get(id)
    if (!known) found.push(`“${nameOf(tile)}” was added.`)
    else if (!equals(TileSchema, { ...known, layout: undefined }, { ...tile, layout: undefined }))
      found.push(`“${nameOf(tile)}” was changed.`)
  }
  for (const [id, tile] of old) if (!now.has(id)) found.push(`“${nameOf(tile)}” was deleted.`)
  const moved = [...now].some(
    ([id, tile]) => old.has(id) && JSON.stringify(place(tile)) !== JSON.stringify(place(old.get(id)!)),
  )
  if (moved) found.push('Tiles were moved or resized.')
  const bare = (each: Dashboard) =>
    create(DashboardSchema, {
      timeRange: each.timeRange,
      timeZone: each.timeZone,
      filter: each.filter,
      variables: each.variables,
      refresh: each.refresh,
    })
  if (!equals(DashboardSchema, bare(before), bare(theirs)))
    found.push('Its time, filter or variables are others.')
  return found
}

function nameOf({ title, id }: Tile): string {
  return title || id
}
