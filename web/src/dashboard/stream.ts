import type { ReactiveController, ReactiveControllerHost } from 'lit'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { watch } from '../client/dashboard-stream'
import type { Connection } from '../client/follow'
import type { Problem } from '../client/problem'
import type { Dashboard } from '../gen/tidemark/v1/dashboard_pb'
import { asked, keyOf } from '../model/board'
import type { Span } from '../model/range'
import type { TileState } from '../model/tile'
import type { View } from '../model/view'
import { Painter } from '../tiles/painter'
import type { TileElement } from '../tiles/tile'

/** So long after a change tiles are asked anew, in milliseconds: people change several things in a row. */
const PAUSE = 200

/** The stream of a dashboard: what is to be answered comes in by `ask`, the states of its tiles go to their elements. */
export class Stream implements ReactiveController {
  connection: Connection = 'opening'
  problem?: Problem
  /** The etag of the dashboard that is answered. */
  version = ''
  private readonly states = new Map<string, TileState>()
  private readonly painter: Painter
  private asking = ''
  private running?: AbortController
  private timer?: ReturnType<typeof setTimeout>

  constructor(
    private readonly host: ReactiveControllerHost & HTMLElement,
    find: (id: string) => TileElement | undefined,
  ) {
    this.painter = new Painter(find)
    host.addController(this)
  }

  hostDisconnected() {
    this.close()
  }

  /** Answers a dashboard from now on; nothing happens when that has the same answers. */
  ask(dashboard: Dashboard, view: View, editing: boolean): void {
    const request = asked(dashboard, view, editing)
    const key = keyOf(request)
    if (key === this.asking) return
    const first = !this.asking
    this.asking = key
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.open(request, dashboard), first ? 0 : PAUSE)
  }

  /** Ends it, and forgets all answers. */
  close(): void {
    clearTimeout(this.timer)
    this.running?.abort()
    this.states.clear()
    this.asking = this.version = ''
  }

  /** The state of a tile. */
  state(id: string): TileState | undefined {
    return this.states.get(id)
  }

  /** Draws every state once more, as for elements that are new. */
  repaint(): void {
    for (const [id, state] of this.states) this.painter.put(id, state)
  }

  /** The span that a tile has been answered for. */
  span(id: string): Span | undefined {
    const { start, end } = this.states.get(id)?.answer?.metadata?.timeRange ?? {}
    return start && end && { start: timestampMs(start), end: timestampMs(end) }
  }

  private open(request: ReturnType<typeof asked>, { tiles }: Dashboard) {
    this.running?.abort()
    this.running = new AbortController()
    const there = new Set(tiles.map(({ id }) => id))
    for (const id of this.states.keys()) if (!there.has(id)) this.states.delete(id)
    for (const id of there) if (!this.states.has(id)) this.states.set(id, { standing: 'opening' })
    void watch({
      request,
      states: this.states,
      take: (id, state) => this.painter.put(id, state),
      say: (connection, why) => this.say(connection, why),
      version: etag => this.hear(etag),
      signal: this.running.signal,
    })
  }

  private say(connection: Connection, why?: Problem) {
    if (connection === this.connection && why?.text === this.problem?.text) return
    this.connection = connection
    this.problem = why
    this.host.dispatchEvent(
      new CustomEvent('tm-connection', { detail: connection, bubbles: true, composed: true }),
    )
    this.host.requestUpdate()
  }

  private hear(etag: string) {
    if (etag === this.version) return
    this.version = etag
    this.host.requestUpdate()
  }
}
