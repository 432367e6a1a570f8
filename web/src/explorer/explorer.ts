import { create } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { moved, navigate } from '../app/router'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import type { Connection } from '../client/follow'
import type { Problem } from '../client/problem'
import { watch } from '../client/query-stream'
import '../dashboard/time-range'
import { DisplaySchema, Display_Kind, type Tile, TileSchema } from '../gen/tidemark/v1/dashboard_pb'
import { type Query, QuerySchema, type TimeRange } from '../gen/tidemark/v1/question_pb'
import type { Answer } from '../model/answer'
import { every, same } from '../model/condition'
import { displays, title } from '../model/display'
import { type Point, behind } from '../model/drill'
import { filterOf, filtered, first, missing } from '../model/question'
import { type Span, absolute } from '../model/range'
import * as address from '../model/share'
import type { TileState } from '../model/tile'
import type { Match } from '../tiles/drawing'
import '../tiles/tile'
import './code'
import type { Code } from './code'
import './cohort'
import type { CohortDialog } from './cohort'
import './plan'
import './query-editor'
import './save'
import type { Save } from './save'
import './trust'

/** So long after a change of the question it is asked, in milliseconds: people change several things in a row. */
const PAUSE = 250

/** Builds a question by hand and shows its answer as it changes. The address holds the question. */
@customElement('tm-explorer')
export class Explorer extends LitElement {
  @property({ attribute: false }) session!: Session
  @state() private asked: Query = first()
  @state() private display: Display_Kind = Display_Kind.UNSPECIFIED
  @state() private answer?: Answer
  @state() private connection: Connection = 'opening'
  @state() private why?: Problem
  @state() private planned = false
  @query('tm-code') private code!: Code
  @query('tm-save') private save!: Save
  @query('tm-cohort') private cohort?: CohortDialog

  private stream?: AbortController
  private timer?: ReturnType<typeof setTimeout>

  static override styles = [
    shared,
    css`
      header {
        margin-bottom: var(--space-3);
      }
      .columns {
        display: grid;
        grid-template-columns: minmax(320px, 400px) minmax(0, 1fr);
        gap: var(--space-4);
        align-items: start;
      }
      .editor {
        padding: var(--space-4);
      }
      .result {
        position: sticky;
        top: 64px;
        display: grid;
        gap: var(--space-3);
      }
      tm-tile {
        height: clamp(340px, 62vh, 900px);
      }
      summary {
        padding: 10px var(--space-4);
        font-weight: 560;
        cursor: pointer;
      }
      tm-plan {
        border-top: 1px solid var(--line);
      }
      @media (max-width: 900px) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
        .result {
          position: static;
          order: -1;
        }
        tm-tile {
          height: 380px;
        }
      }
    `,
  ]

  override connectedCallback() {
    super.connectedCallback()
    this.recall()
    addEventListener('popstate', this.recall)
    addEventListener('tm-route', this.arrive)
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    removeEventListener('popstate', this.recall)
    removeEventListener('tm-route', this.arrive)
    clearTimeout(this.timer)
    this.stream?.abort()
  }

  override willUpdate(changed: PropertyValues) {
    if (!changed.has('asked') && !changed.has('session')) return
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.open(), this.answer ? PAUSE : 0)
  }

  override render() {
    const { session, asked, display } = this
    return html`
      <header class="row">
        <h1>Explore</h1>
        <span class="grow"></span>
        <tm-time-range
          .range=${asked.timeRange}
          .zone=${asked.timeZone || session.zone}
          @change=${(event: CustomEvent<TimeRange>) => this.ask(this.within(event.detail), this.display)}
        ></tm-time-range>
        ${this.drawing()}
        <button @click=${() => this.code.show()}>${icon('code')} Copy as code</button>
        ${
          asked.question.case === 'series'
            ? html`<a class="button" href="/insights/forecast${address.write({ query: asked, display: 0 })}">${icon('insights')} Forecast</a>`
            : nothing
        }
        ${
          session.author && asked.question.case === 'people'
            ? html`<button @click=${() => this.cohort?.show()}>${icon('people')} Save as cohort</button>`
            : nothing
        }
        ${
          session.author
            ? html`<button class="primary" @click=${() => this.save.show(title(asked))}>${icon('save')} Save</button>`
            : nothing
        }
      </header>
      <div class="columns">
        <section class="panel editor" aria-label="The question">
          <tm-query-editor
            .session=${session}
            .query=${asked}
            @change=${(event: CustomEvent<Query>) => this.ask(event.detail, Display_Kind.UNSPECIFIED)}
          ></tm-query-editor>
        </section>
        <section class="result" aria-label="The answer">
          ${this.result()}
          <tm-trust class="panel" .metadata=${this.answer?.metadata} .zone=${session.zone}></tm-trust>
          <details class="panel" @toggle=${(event: Event) => (this.planned = (event.target as HTMLDetailsElement).open)}>
            <summary>How it is answered</summary>
            ${this.planned && !missing(asked) ? html`<tm-plan .session=${session} .query=${asked}></tm-plan>` : nothing}
          </details>
        </section>
      </div>
      <tm-code .session=${session} .query=${asked}></tm-code>
      <tm-cohort .session=${session} .asked=${asked}></tm-cohort>
      <tm-save .session=${session} .query=${asked} .display=${create(DisplaySchema, { kind: display })}></tm-save>
    `
  }

  private result() {
    const wanted = missing(this.asked)
    if (wanted)
      return html`<div class="panel state">
        <strong>The question is not complete</strong>
        <p>${wanted}</p>
      </div>`
    const tile = create(TileSchema, {
      id: 'answer',
      title: title(this.asked),
      content: { case: 'query', value: this.asked },
      display: { kind: this.display },
    })
    const state: TileState = { answer: this.answer, standing: this.connection, error: this.why }
    return html`<tm-tile
      .tile=${tile}
      .state=${state}
      .zone=${this.session.zone}
      drill
      @tm-point=${(event: CustomEvent<Point>) => this.enter(tile, event.detail)}
      @tm-zoom=${(event: CustomEvent<Span>) => this.go(this.within(absolute(event.detail)))}
      @tm-filter=${(event: CustomEvent<Match[]>) => this.only(event.detail)}
    ></tm-tile>`
  }

  private drawing() {
    const kinds = displays(this.asked)
    if (kinds.length < 2) return nothing
    const pick = (event: Event) => {
      this.display =
        kinds[(event.target as HTMLSelectElement).selectedIndex]?.kind ?? Display_Kind.UNSPECIFIED
      this.remember()
    }
    return html`<select aria-label="How the answer is drawn" @change=${pick}>
      ${kinds.map(each => html`<option ?selected=${each.kind === this.display}>${each.title}</option>`)}
    </select>`
  }

  /** Another question; the way it is drawn is kept where the new one can be drawn so. */
  private ask(query: Query, display: Display_Kind) {
    const kinds = displays(query).map(each => each.kind)
    this.display = kinds.includes(this.display) ? this.display : display
    this.asked = query
    this.remember()
  }

  /** The same question about another time. */
  private within(timeRange: TimeRange): Query {
    return create(QuerySchema, { ...this.asked, timeRange })
  }

  /** A step from the figures to another question; the way back in the browser leads back. */
  private go(query: Query) {
    navigate(`/explore${address.write({ query, display: this.display })}`)
  }

  /** Who, or else what, is behind a point. */
  private enter(tile: Tile, point: Point) {
    const { start, end } = this.answer?.metadata?.timeRange ?? {}
    if (!start || !end) return
    const span = { start: timestampMs(start), end: timestampMs(end) }
    const found = behind(tile, point, { span, zone: this.asked.timeZone, filters: [] })
    const query = found.events ?? found.people
    if (query) this.go(query)
  }

  private only(matches: Match[]) {
    const filters = matches.map(({ field, value }) => same(field, value))
    this.go(filtered(this.asked, every([filterOf(this.asked), ...filters])))
  }

  private remember() {
    navigate(`/explore${address.write({ query: this.asked, display: this.display })}`, { replace: true })
  }

  private recall = () => {
    const shared = address.read(location.search)
    this.asked = shared?.query ?? first()
    this.display = shared?.display ?? Display_Kind.UNSPECIFIED
  }

  /** Another address of this page was opened, by a link or by a step into a figure. */
  private arrive = (event: Event) => {
    if (moved(event)) this.recall()
  }

  private open() {
    this.stream?.abort()
    this.stream = new AbortController()
    if (missing(this.asked)) return
    const { signal } = this.stream
    let fresh = true
    void watch({
      project: this.session.project,
      query: this.asked,
      take: answer => {
        this.answer = answer
        fresh = false
      },
      say: (connection, why) => {
        // The last answer stays until the next is there, unless there will be none.
        if (connection === 'ended' && fresh) this.answer = undefined
        this.connection = connection
        this.why = why
        this.dispatchEvent(
          new CustomEvent('tm-connection', { detail: connection, bubbles: true, composed: true }),
        )
      },
      signal,
    })
  }
}
