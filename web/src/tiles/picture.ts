/** Pictures of tiles as files: what is on the screen is drawn once more on a canvas, with its title and legend. */
import { token } from '../app/theme/theme'
import { type Sheet } from '../model/sheet'
import { numeric, written } from './cells'

export type Picture = {
  title: string
  /** When and how fresh, in small letters. */
  below: string
  zone: string
  /** The canvas of a chart and its lines; without one the table is drawn. */
  chart?: { canvas?: HTMLCanvasElement; lines: { label: string; token: string }[] }
  sheet: Sheet
}

const PAD = 16
const LINE = 20
const MOST_ROWS = 60

/** The picture as PNG. */
export async function png(picture: Picture): Promise<Blob> {
  const chart = picture.chart?.canvas
  const scale = devicePixelRatio
  const width = chart ? chart.width / scale + 2 * PAD : 760
  const rows = picture.sheet.rows.slice(0, MOST_ROWS)
  const legend =
    picture.chart && picture.chart.lines.length > 1 ? Math.ceil(picture.chart.lines.length / 3) * LINE : 0
  const height = chart ? chart.height / scale + legend + 78 : (rows.length + 1) * LINE + 78
  const canvas = document.createElement('canvas')
  canvas.width = width * scale
  canvas.height = height * scale
  const ink = canvas.getContext('2d')!
  ink.scale(scale, scale)
  ink.fillStyle = token('--surface')
  ink.fillRect(0, 0, width, height)
  say(ink, picture.title, PAD, 28, { font: '600 15px system-ui, sans-serif', room: width - 2 * PAD })
  if (chart) {
    ink.drawImage(chart, PAD, 44, chart.width / scale, chart.height / scale)
    if (legend) explain(ink, picture.chart!.lines, 44 + chart.height / scale, width)
  } else table(ink, picture, rows, width)
  say(ink, picture.below, PAD, height - 12, {
    colour: '--muted',
    font: '11px system-ui, sans-serif',
    room: width - 2 * PAD,
  })
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      blob => (blob ? resolve(blob) : reject(new Error('The browser made no picture.'))),
      'image/png',
    ),
  )
}

type Say = { colour?: string; font?: string; room: number; right?: boolean }

function say(
  ink: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  { colour = '--text', font, room, right }: Say,
) {
  ink.fillStyle = token(colour)
  ink.font = font ?? '12px system-ui, sans-serif'
  ink.textAlign = right ? 'right' : 'left'
  let shown = text
  while (shown.length > 1 && ink.measureText(shown).width > room) shown = `${shown.slice(0, -2)}…`
  ink.fillText(shown, x, y)
}

function explain(
  ink: CanvasRenderingContext2D,
  lines: { label: string; token: string }[],
  top: number,
  width: number,
) {
  const room = (width - 2 * PAD) / 3
  for (const [at, line] of lines.entries()) {
    const x = PAD + (at % 3) * room
    const y = top + Math.floor(at / 3) * LINE + 14
    ink.fillStyle = token(line.token)
    ink.fillRect(x, y - 9, 10, 10)
    say(ink, line.label, x + 16, y, { room: room - 24 })
  }
}

function table(
  ink: CanvasRenderingContext2D,
  { sheet: { columns }, zone }: Picture,
  rows: Sheet['rows'],
  width: number,
) {
  const room = (width - 2 * PAD) / Math.max(1, columns.length)
  const place = (at: number, right: boolean) => PAD + at * room + (right ? room - 8 : 0)
  for (const [at, column] of columns.entries()) {
    const right = numeric(column)
    say(ink, column.title, place(at, right), 60, { colour: '--muted', room: room - 8, right })
    for (const [line, { cells }] of rows.entries())
      say(ink, written(cells[at], column, zone), place(at, right), 60 + (line + 1) * LINE, {
        room: room - 8,
        right,
      })
  }
}
