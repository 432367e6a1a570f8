/** Tells, for those who measure, which tiles have shown an answer on the screen: a performance mark `tm-tile` for each, with its
 * tile, the answer's watermark and its total. Marks are heard by observers and not kept. */

export type Painted = { tile: string; watermark?: number; total?: number }

let waiting: Painted[] = []

/** After an element has drawn; the mark comes when the frame has been painted. */
export function painted(what: Painted): void {
  waiting.push(what)
  if (waiting.length > 1) return
  requestAnimationFrame(() => setTimeout(mark))
}

function mark() {
  const done = waiting
  waiting = []
  for (const detail of done) performance.mark('tm-tile', { detail })
  performance.clearMarks('tm-tile')
}
