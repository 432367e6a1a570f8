/** Tiles of a dashboard: which drawing fits an answer, and the state that a tile is in. */
import { clone, create } from '@bufbuild/protobuf'
import { Display_Kind as Kind, type Tile, TileSchema } from '../gen/tidemark/v1/dashboard_pb'
import type { Answer, Result } from './answer'
import type { Standing } from './freshness'

export type TileState = {
  answer?: Answer
  /** Why there is no newer answer, as `client/problem.ts` says it. */
  error?: { text: string }
  standing: Standing
  /** When the server sent the last message, by its clock, in milliseconds. */
  sent?: number
  /** Up to when the answer is believed complete, where more is known than the answer says, in milliseconds. */
  watermark?: number
}

export const LOADING: TileState = { standing: 'opening' }

export type Drawing =
  | 'line'
  | 'area'
  | 'bar'
  | 'number'
  | 'table'
  | 'ranks'
  | 'funnel'
  | 'retention'
  | 'lifecycle'
  | 'sessions'
  | 'paths'
  | 'events'
  | 'people'

const SERIES: Partial<Record<Kind, Drawing>> = {
  [Kind.AREA]: 'area',
  [Kind.BAR]: 'bar',
  [Kind.NUMBER]: 'number',
  [Kind.TABLE]: 'table',
}

/** How an answer is drawn: as the tile wants where that makes sense, else the usual way of its kind. */
export function drawing(tile: Tile, kind: Result['case']): Drawing | undefined {
  const wanted = tile.display?.kind ?? Kind.UNSPECIFIED
  switch (kind) {
    case 'series':
      return SERIES[wanted] ?? 'line'
    case 'table':
      return wanted === Kind.BAR ? 'ranks' : wanted === Kind.NUMBER ? 'number' : 'table'
    default:
      return kind
  }
}

/** A size that suits what a new tile shows. */
export function size(tile: Tile): { width: number; height: number } {
  if (tile.content.case === 'text') return { width: 6, height: 3 }
  const asked = tile.content.case === 'query' ? tile.content.value.question.case : undefined
  const kind = asked === 'window' ? 'series' : asked
  if (drawing(tile, kind) === 'number') return { width: 3, height: 3 }
  return kind === 'retention' || kind === 'paths' || kind === 'events'
    ? { width: 12, height: 7 }
    : { width: 6, height: 6 }
}

/** A copy under another id. */
export function copied(tile: Tile, id: string): Tile {
  return create(TileSchema, { ...clone(TileSchema, tile), id })
}

/** An id that no tile has. */
export function freshId(tiles: readonly Tile[]): string {
  const taken = new Set(tiles.map(({ id }) => id))
  let number = tiles.length + 1
  while (taken.has(`tile-${number}`)) number++
  return `tile-${number}`
}
