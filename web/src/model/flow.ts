/** Where the nodes and ribbons of paths stand: a `PathsResult` comes in, boxes and curves in a given size go out to `tiles/paths.ts`. */
import type { PathsResult } from '../gen/tidemark/v1/question_pb'

export type Box = {
  step: number
  label: string
  other: boolean
  paths: number
  ended: number
  x: number
  y: number
  width: number
  height: number
}

export type Ribbon = { from: number; to: number; paths: number; path: string }

export type Flow = { boxes: Box[]; ribbons: Ribbon[] }

const GAP = 14
const LEAST = 2
/** Above the first box, whose label may be higher than it is. */
const TOP = 6

/** The drawing of paths in `width` × `height`; boxes are `thick` wide. */
export function flow({ nodes, links }: PathsResult, width: number, height: number, thick = 10): Flow {
  const steps = Math.max(0, ...nodes.map(({ step }) => step)) + 1
  const columns = Array.from({ length: steps }, (_, step) => nodes.filter(node => node.step === step))
  const most = Math.max(
    1,
    ...columns.map(column => column.reduce((sum, { paths }) => sum + Number(paths), 0)),
  )
  const gaps = Math.max(0, ...columns.map(column => column.length - 1)) * GAP
  const scale = Math.max(0, height - gaps - TOP) / most
  // The last step keeps as much room on its right as the others, for its labels.
  const stride = width / Math.max(1, steps)
  const next = Array<number>(steps).fill(TOP)
  const boxes = nodes.map(({ step, value, other, paths, ended }) => {
    const tall = Math.max(LEAST, Number(paths) * scale)
    const y = next[step]!
    next[step] = y + tall + GAP
    const label = other ? 'other' : value || '(none)'
    return {
      step,
      label,
      other,
      paths: Number(paths),
      ended: Number(ended),
      x: step * stride,
      y,
      width: thick,
      height: tall,
    }
  })
  const leaving = boxes.map(({ y }) => y)
  const arriving = boxes.map(({ y }) => y)
  const ordered = links
    .map((link, place) => ({ ...link, place }))
    .filter(({ from, to }) => boxes[from] && boxes[to])
    .sort((a, b) => a.from - b.from || boxes[a.to]!.y - boxes[b.to]!.y)
  const ribbons = ordered.map(({ from, to, paths }) => {
    const [a, b] = [boxes[from]!, boxes[to]!]
    const tall = Math.max(LEAST / 2, Number(paths) * scale)
    const path = curve(a.x + a.width, leaving[from]!, b.x, arriving[to]!, tall)
    leaving[from]! += tall
    arriving[to]! += tall
    return { from, to, paths: Number(paths), path }
  })
  return { boxes, ribbons }
}

function curve(x0: number, y0: number, x1: number, y1: number, tall: number): string {
  const middle = (x0 + x1) / 2
  const n = (value: number) => value.toFixed(1)
  return (
    `M${n(x0)},${n(y0)}C${n(middle)},${n(y0)} ${n(middle)},${n(y1)} ${n(x1)},${n(y1)}` +
    `V${n(y1 + tall)}C${n(middle)},${n(y1 + tall)} ${n(middle)},${n(y0 + tall)} ${n(x0)},${n(y0 + tall)}Z`
  )
}
