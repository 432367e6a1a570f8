import { LitElement, type PropertyValues, css, html } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { watch } from '../client/dashboard-stream'
import type { Connection } from '../client/follow'
import { type Problem, givenUp, problem } from '../client/problem'
import { dashboards } from '../client/transport'
import type { Tile } from '../gen/tidemark/v1/dashboard_pb'
import { LOADING, type TileState } from '../model/tile'
import { styled } from '../tiles/styled'
import '../tiles/tile'
import './health'

/** So long after a failure that may pass it is tried again, in milliseconds. */
const AGAIN = 3_000

/** What is happening now, on the tiles of the dashboard `home` that comes with Tidemark, and whether it can be trusted. */
@customElement('tm-home')
export class Home extends LitElement {
  @property({ attribute: false }) session!: Session
  @state() private tiles: Tile[] = []
  @state() private states: ReadonlyMap<string, TileState> = new Map()
  @state() private failure = ''

  private stream?: AbortController
  private frame = 0
  private timer?: ReturnType<typeof setTimeout>

  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        gap: var(--space-3);
      }
      .board {
        display: grid;
        grid-template-columns: repeat(12, minmax(0, 1fr));
        grid-auto-rows: 46px;
        gap: var(--space-3);
      }
      @media (max-width: 900px) {
        .board {
          grid-template-columns: repeat(2, minmax(0, 1fr));
        }
        .board tm-tile {
          grid-column: span 2 !important;
          grid-row: auto / span var(--rows) !important;
        }
        .board tm-tile.small {
          grid-column: span 1 !important;
        }
      }
      @media (max-width: 420px) {
        .board tm-tile.small {
          grid-column: span 2 !important;
        }
      }
    `,
  ]

  override disconnectedCallback() {
    super.disconnectedCallback()
    cancelAnimationFrame(this.frame)
    clearTimeout(this.timer)
    this.stream?.abort()
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('session')) void this.open()
  }

  override render() {
    return html`
      <h1 class="hidden-text">Home</h1>
      <tm-health .session=${this.session} .completeness=${this.completeness}></tm-health>
      ${this.failure ? html`<p class="problem" role="alert">${this.failure}</p>` : this.board()}
    `
  }

  private board() {
    return html`<div class="board">
      ${repeat(
        this.tiles,
        tile => tile.id,
        tile => {
          const { x = 0, y = 0, width = 0, height = 0 } = tile.layout ?? {}
          const place = {
            'grid-column': `${x + 1} / span ${width || 6}`,
            'grid-row': `${y + 1} / span ${height || 4}`,
            '--rows': String(height || 4),
          }
          return html`<tm-tile
            class=${width <= 3 ? 'small' : ''}
            ${styled(place)}
            .tile=${tile}
            .state=${this.states.get(tile.id) ?? LOADING}
            .zone=${this.session.zone}
          ></tm-tile>`
        },
      )}
    </div>`
  }

  /** The least complete of the answers. */
  private get completeness(): number {
    const told = [...this.states.values()].map(each => each.answer?.metadata?.completeness ?? NaN)
    const known = told.filter(each => !Number.isNaN(each))
    return known.length ? Math.min(...known) : NaN
  }

  private async open() {
    this.stream?.abort()
    const { signal } = (this.stream = new AbortController())
    const { project } = this.session
    const name = `${project}/dashboards/home`
    this.failure = ''
    try {
      this.tiles = (await dashboards.getDashboard({ name }, { signal })).dashboard?.tiles ?? []
    } catch (error) {
      if (givenUp(error)) return
      const { text, passing } = problem(error)
      this.failure = text
      if (passing) this.timer = setTimeout(() => void this.open(), AGAIN)
      return
    }
    const states = new Map<string, TileState>()
    const show = () => (this.states = new Map(states))
    void watch({
      request: { project, dashboard: { case: 'name', value: name } },
      states,
      // Answers that come within a frame are drawn together.
      take: () => {
        cancelAnimationFrame(this.frame)
        this.frame = requestAnimationFrame(show)
      },
      say: (connection, why) => this.say(connection, why),
      signal,
    })
  }

  private say(connection: Connection, why?: Problem) {
    if (connection === 'ended') this.failure = why?.text ?? 'The server has ended the stream.'
    this.dispatchEvent(
      new CustomEvent('tm-connection', { detail: connection, bubbles: true, composed: true }),
    )
  }
}
