/** The grid of a dashboard: 12 columns, tiles that do not overlap and rise as far as they can. */

export type Place = {
  readonly id: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export const COLUMNS = 12
export const TALLEST = 20
const LAST_ROW = 999

/** A place within the grid; 0 for width and height mean the usual. */
export function normal({ id, x, y, width, height }: Place): Place {
  const wide = within(width || 6, 1, COLUMNS)
  return {
    id,
    x: within(x, 0, COLUMNS - wide),
    y: within(y, 0, LAST_ROW),
    width: wide,
    height: within(height || 4, 1, TALLEST),
  }
}

/** Whether two places share a cell. */
export function overlap(a: Place, b: Place): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

/** All places as high as they can be, none over another; their order is kept. */
export function compact(places: readonly Place[]): Place[] {
  return settled(places.map(normal))
}

/** The places after one was moved; others make room. */
export function moved(places: readonly Place[], id: string, x: number, y: number): Place[] {
  return changed(places, id, { x, y })
}

/** The places after one got another size; others make room. */
export function resized(places: readonly Place[], id: string, width: number, height: number): Place[] {
  return changed(places, id, { width: Math.max(1, width), height: Math.max(1, height) })
}

/** Where a new tile of this size stands: the first room there is, from the top. */
export function room(places: readonly Place[], width: number, height: number): { x: number; y: number } {
  const bottom = depth(places)
  for (let y = 0; y < bottom; y++)
    for (let x = 0; x + width <= COLUMNS; x++)
      if (!places.some(each => overlap(each, { id: '', x, y, width, height }))) return { x, y }
  return { x: 0, y: bottom }
}

/** How many rows the places take. */
export function depth(places: readonly Place[]): number {
  return places.reduce((most, { y, height }) => Math.max(most, y + height), 0)
}

/** The order in which people read them. */
export function reading(places: readonly Place[]): Place[] {
  return [...places].sort((a, b) => a.y - b.y || a.x - b.x || (a.id < b.id ? -1 : 1))
}

function changed(places: readonly Place[], id: string, change: Partial<Place>): Place[] {
  const target = places.find(each => each.id === id)
  if (!target) return [...places]
  const wanted = normal({ ...target, ...change })
  const others = places.filter(each => each.id !== id).map(normal)
  const standing: Place[] = [wanted]
  for (const other of reading(others)) {
    const start = overlap(other, wanted) ? aside(other, wanted, others) : other
    standing.push(falling(start, standing))
  }
  return inOrder(settled(standing), places)
}

/** Where a tile goes that another came over: up, to where there is room now, as when two change places; else it stays, to be
 * pushed down. */
function aside(place: Place, wanted: Place, others: readonly Place[]): Place {
  const taken = [wanted, ...others.filter(each => each.id !== place.id)]
  for (let y = 0; y < place.y; y++) if (!below({ ...place, y }, taken)) return { ...place, y }
  return place
}

function settled(places: readonly Place[]): Place[] {
  const standing: Place[] = []
  for (const each of reading(places)) standing.push(rising(falling(each, standing), standing))
  return inOrder(standing, places)
}

/** As high as it can go without going through another. */
function rising(place: Place, standing: readonly Place[]): Place {
  let found = place
  while (found.y > 0) {
    const higher = { ...found, y: found.y - 1 }
    if (standing.some(each => overlap(each, higher))) break
    found = higher
  }
  return found
}

/** Down to where nothing is in its way. */
function falling(place: Place, standing: readonly Place[]): Place {
  let found = place
  for (let hit = below(found, standing); hit; hit = below(found, standing))
    found = { ...found, y: hit.y + hit.height }
  return found
}

function below(place: Place, standing: readonly Place[]): Place | undefined {
  return standing.find(each => overlap(each, place))
}

function inOrder(places: readonly Place[], order: readonly Place[]): Place[] {
  const found = new Map(places.map(each => [each.id, each]))
  return order.map(({ id }) => found.get(id)!)
}

function within(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.round(value)))
}
