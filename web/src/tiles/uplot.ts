/** A chart in the words of uPlot: columns of data and options. `plot.ts` puts them on the screen. */
import uPlot from 'uplot'
import { token } from '../app/theme/theme'
import { tokenOf } from '../model/colour'
import { type Shape, quantity, tick } from '../model/format'
import { offset } from '../model/range'
import { type Cell, type Chart, type Line, stacked, summed } from '../model/series'

/** How a chart is drawn. */
export type Look = {
  mode: 'line' | 'area' | 'bar'
  /** Lines stand on one another. */
  stacked: boolean
  /** The colour of each line, by its key; see `model/colour.ts`. */
  colours: ReadonlyMap<string, number>
  /** Keys of lines that are not drawn. */
  hidden: ReadonlySet<string>
  /** The bucket from which on values may still grow. */
  growing: number
}

/** What is drawn: the lines shown, their columns, those of the period before, the ends of bands, and what is pointed at. */
export type Columns = {
  lines: Line[]
  on: (number | undefined)[]
  previous: { colour?: number; values: Cell[] }[]
  bands: string[]
  marks: number
  data: uPlot.AlignedData
}

const FONT = '11px system-ui, sans-serif'

/** The columns of a chart. */
export function columns({ starts, lines: all }: Chart, look: Look): Columns {
  const lines = all.filter(({ key }) => !look.hidden.has(key))
  const piled = look.stacked && look.mode !== 'line' && lines.length > 1
  const { values, on } = piled ? stacked(lines) : { values: lines.map(line => line.values), on: [] }
  const before = lines.filter(line => line.previous.length > 0)
  const one = piled || (look.mode === 'bar' && before.length > 0)
  const previous = one
    ? [{ values: summed(before.map(line => line.previous)) }].filter(() => before.length > 0)
    : before.map(line => ({ colour: look.colours.get(line.key), values: line.previous }))
  const bounded = lines.filter(line => line.band)
  const bands = bounded.flatMap(({ band }) => [band!.upper, band!.lower])
  const marks = lines
    .filter(line => line.marked?.length)
    .map(({ values, marked }) => values.map((value, at) => (marked!.includes(at) ? value : null)))
  return {
    lines,
    on,
    previous,
    bands: bounded.map(({ key }) => key),
    marks: marks.length,
    data: [starts, ...values, ...previous.map(each => each.values), ...bands, ...marks],
  }
}

/** Two charts with the same signature differ in their data only. */
export function signature(
  { lines, on, previous, bands, marks }: Columns,
  { mode, colours }: Look,
  shape: Shape,
  zone: string,
): string {
  const colour = lines.map(({ key }) => colours.get(key))
  return JSON.stringify([
    mode,
    whole(lines),
    lines.map(({ key }) => key),
    colour,
    on,
    previous.map(each => each.colour),
    bands,
    marks,
    shape,
    zone,
  ])
}

/** The options of a chart; `current` gives the chart as it is when it is drawn. */
export function options(
  { lines, on, previous, bands, marks }: Columns,
  look: Look,
  { shape, zone, current }: { shape: Shape; zone: string; current: () => { chart: Chart; look: Look } },
): Omit<uPlot.Options, 'width' | 'height'> {
  const [grid, muted, surface] = [token('--line'), token('--muted'), token('--surface')]
  const paint = (key: string) => token(tokenOf(look.colours.get(key) ?? 0))
  const shown = lines.map((line, place) => drawn(look, paint(line.key), place, lines.length, on, current))
  const before = previous.map(({ colour }): uPlot.Series => {
    const stroke = colour === undefined ? muted : `${token(tokenOf(colour))}b0`
    return { stroke, width: 1.25, dash: [4, 4], points: { show: false } }
  })
  const ends = bands.flatMap(() => [EDGE, EDGE])
  const first = 1 + shown.length + before.length
  const mark = { show: true, size: 8, width: 2, stroke: token('--bad'), fill: surface }
  const pointed = Array.from({ length: marks }, (): uPlot.Series => ({ ...EDGE, points: mark }))
  return {
    ms: 1,
    legend: { show: false },
    padding: [10, 20, 0, 0],
    tzDate: ms => new Date(ms + offset(ms, zone) + new Date(ms).getTimezoneOffset() * 60_000),
    series: [{}, ...shown, ...before, ...ends, ...pointed],
    bands: [
      ...on.flatMap((base, place) =>
        base === undefined ? [] : [{ series: [place + 1, base + 1] as [number, number] }],
      ),
      ...bands.map((key, place) => ({
        series: [first + 2 * place, first + 2 * place + 1] as [number, number],
        fill: `${paint(key)}2b`,
      })),
    ],
    scales: {
      x: { time: true, range: () => across(current()) },
      y: { range: (_, least, most) => upright(least, most, look.mode !== 'line') },
    },
    axes: [
      {
        font: FONT,
        stroke: muted,
        size: 26,
        gap: 4,
        space: 74,
        grid: { show: false },
        ticks: { show: false },
        values: (_, splits, _axis, _space, step) => splits.map(at => tick(at, step, zone)),
      },
      {
        font: FONT,
        stroke: muted,
        gap: 6,
        space: plot => Math.max(34, plot.height / 9),
        ...(whole(lines) && { incrs: WHOLE }),
        size: (_, values) => 14 + 6.4 * Math.max(2, ...(values ?? []).map(value => value.length)),
        grid: { stroke: grid, width: 1 },
        ticks: { show: false },
        values: (_, splits) =>
          splits.map(value => quantity(value, { ...shape, decimals: undefined, compact: true })),
      },
    ],
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false, dist: 6 },
      points: {
        show: look.mode !== 'bar',
        size: 7,
        width: 2,
        stroke: surface,
        fill: (plot, place) => fillOf(plot, place),
      },
      sync: { key: 'tidemark', setSeries: false, scales: ['x', null], filters: { pub: moving } },
    },
    hooks: { draw: [plot => fade(plot, current(), surface)] },
  }
}

/** A line that is not drawn itself: the end of a band, or what carries marks. */
const EDGE: uPlot.Series = { width: 0, class: 'edge', points: { show: false } }

/** Steps of an axis whose values are whole numbers. */
const WHOLE = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map(step => step * 10 ** power)).flat()

function whole(lines: readonly Line[]): boolean {
  return lines.every(
    ({ unit, values }) => !unit && values.every(value => value === null || Number.isInteger(value)),
  )
}

/** Other plots follow where the pointer goes, and nothing else. */
function moving(type: string): boolean {
  return type === 'mousemove' || type === 'mouseleave'
}

/** A point under the crosshair has the colour of its line. */
function fillOf(plot: uPlot, place: number): string {
  const { stroke } = plot.series[place]!
  const colour: unknown = typeof stroke === 'function' ? stroke(plot, place) : stroke
  return typeof colour === 'string' ? colour : token('--muted')
}

function known(value: Cell | undefined): value is number {
  return value !== null && value !== undefined
}

function drawn(
  look: Look,
  colour: string,
  place: number,
  many: number,
  on: (number | undefined)[],
  current: () => { chart: Chart },
): uPlot.Series {
  const { mode } = look
  const points = { show: mode !== 'bar', size: 5, fill: colour, filter: alone }
  if (mode === 'line') return { stroke: colour, width: 1.75, points }
  if (mode === 'area')
    return {
      stroke: colour,
      width: on.length ? 0.5 : 1.5,
      points,
      fill: `${colour}${on.length ? 'b8' : '2e'}`,
    }
  const paths =
    on.length || many === 1 ? uPlot.paths.bars!({ size: [0.8], align: 1 }) : beside(place, many, current)
  return { stroke: colour, width: 0, fill: colour, paths, points }
}

/** Bars of several lines beside one another. */
function beside(place: number, many: number, current: () => { chart: Chart }): uPlot.Series.PathBuilder {
  const one = () => (current().chart.width * 0.8) / many
  return uPlot.paths.bars!({
    disp: {
      x0: { unit: 1, values: plot => (plot.data[0] as number[]).map(start => start + place * one()) },
      size: { unit: 1, values: plot => (plot.data[0] as number[]).map(one) },
    },
  })
}

/** Values without neighbours, which no line would show. */
function alone(plot: uPlot, place: number): number[] {
  const values = plot.data[place] as Cell[]
  return values.flatMap((value, at) =>
    known(value) && !known(values[at - 1]) && !known(values[at + 1]) ? [at] : [],
  )
}

/** From the first bucket to the last, of bars to its end. */
function across({ chart: { starts, width }, look }: { chart: Chart; look: Look }): uPlot.Range.MinMax {
  const [first = 0, last = first] = [starts[0], starts.at(-1)]
  return [first, look.mode === 'bar' || last === first ? last + width : last]
}

/** From zero where that does not flatten the lines, with some air above. */
function upright(least: number | null, most: number | null, grounded: boolean): uPlot.Range.MinMax {
  if (!known(least) || !known(most)) return [0, 1]
  const from = least >= 0 && (grounded || least < most * 0.7) ? 0 : least
  const to = most <= 0 && grounded ? 0 : most
  const air = (to - from || Math.abs(to) || 1) * 0.06
  return [from === 0 ? 0 : from - air, to === 0 ? 0 : to + air]
}

/** What may still grow is drawn paler. */
function fade(plot: uPlot, { chart: { starts }, look }: { chart: Chart; look: Look }, surface: string) {
  const { ctx, bbox } = plot
  const start = starts[look.mode === 'bar' ? look.growing : Math.max(0, look.growing - 1)]
  if (look.growing >= starts.length || start === undefined) return
  const left = Math.max(bbox.left, plot.valToPos(start, 'x', true))
  ctx.save()
  ctx.globalAlpha = 0.5
  ctx.fillStyle = surface
  ctx.fillRect(left, bbox.top, bbox.left + bbox.width - left + 1, bbox.height)
  ctx.restore()
}
