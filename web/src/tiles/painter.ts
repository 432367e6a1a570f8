/** Hands new states to tiles, a few milliseconds' worth in each frame, so that many tiles at once never hold up the page. Of a tile's
 * states only the newest counts. */
import type { TileState } from '../model/tile'
import type { TileElement } from './tile'

/** How long a frame may draw, in milliseconds. */
const BUDGET = 8

export class Painter {
  private readonly waiting = new Map<string, TileState>()
  private running = false

  constructor(private readonly find: (id: string) => TileElement | undefined) {}

  /** Draws a state soon. */
  put(id: string, state: TileState): void {
    this.waiting.set(id, state)
    if (!this.running) void this.run()
  }

  private async run() {
    this.running = true
    while (this.waiting.size) {
      const until = (await frame()) + BUDGET
      for (const [id, state] of this.waiting) {
        this.waiting.delete(id)
        const tile = this.find(id)
        if (!tile) continue
        tile.state = state
        await tile.updateComplete
        if (performance.now() > until) break
      }
    }
    this.running = false
  }
}

/** When the next frame is about to be drawn. */
function frame(): Promise<number> {
  return new Promise(resolve => requestAnimationFrame(() => resolve(performance.now())))
}
