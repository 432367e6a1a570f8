import { create } from '@bufbuild/protobuf'
import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import { icon } from '../app/icons'
import { moved, navigate } from '../app/router'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { type Connection, follow } from '../client/follow'
import type { Problem } from '../client/problem'
import { queries } from '../client/transport'
import '../explorer/complete'
import '../explorer/filter-builder'
import { names } from '../explorer/suggest'
import { type WatchQueryResponse, WatchQueryResponse_Kind as Kind } from '../gen/tidemark/v1/query_pb'
import { type Filter, QuerySchema, Source } from '../gen/tidemark/v1/question_pb'
import { every, same } from '../model/condition'
import { TYPES, idOf } from '../model/event'
import { MOST, added, rate, released, replaced, start } from '../model/feed'
import { type Group, blank, empty, read, write } from '../model/filter'
import * as address from '../model/share'
import './event-row'

const PAGE = 200
const decimals = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })

/** The events of the last hour as they are committed, newest first, with filters and a pause. The address holds the filters. */
@customElement('tm-live')
export class Live extends LitElement {
  @property({ attribute: false }) session!: Session
  @state() private name = ''
  @state() private type = ''
  @state() private filter?: Filter
  @state() private feed = start()
  @state() private paused = false
  @state() private connection: Connection = 'opening'
  @state() private why?: Problem
  @state() private rate = 0

  private stream?: AbortController
  private clock?: ReturnType<typeof setInterval>

  static override styles = [
    shared,
    css`
      header {
        margin-bottom: var(--space-3);
      }
      .rate {
        font-variant-numeric: tabular-nums;
      }
      .bar {
        display: grid;
        gap: var(--space-2);
        margin-bottom: var(--space-3);
        padding: var(--space-3);
      }
      .bar tm-complete {
        flex: 0 1 240px;
      }
      .held {
        display: block;
        width: 100%;
        border: 0;
        border-radius: 0;
        background: var(--accent-soft);
        color: var(--accent);
      }
      .list {
        overflow: hidden;
      }
    `,
  ]

  override connectedCallback() {
    super.connectedCallback()
    this.recall()
    addEventListener('popstate', this.recall)
    addEventListener('tm-route', this.arrive)
    this.clock = setInterval(() => (this.rate = rate(this.feed, Date.now())), 1000)
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    removeEventListener('popstate', this.recall)
    removeEventListener('tm-route', this.recall)
    clearInterval(this.clock)
    this.stream?.abort()
  }

  override willUpdate(changed: PropertyValues) {
    if (['session', 'name', 'type', 'filter'].some(each => changed.has(each))) this.open()
  }

  override render() {
    return html`
      <header class="row">
        <h1>Live</h1>
        <span class="muted rate">${this.speed()}</span>
        <span class="grow"></span>
        <button aria-pressed=${this.paused ? 'true' : 'false'} @click=${this.toggle}>
          ${this.paused ? html`${icon('play')} Resume` : html`${icon('pause')} Pause`}
        </button>
      </header>
      <div class="panel bar">
        <div class="row">
          <tm-complete
            label="Event"
            placeholder="any event"
            .value=${this.name}
            .suggest=${names(this.session.project, Source.EVENTS)}
            @change=${(event: CustomEvent<string>) => this.keep(() => (this.name = event.detail.trim()))}
          ></tm-complete>
          <select
            aria-label="Type of event"
            @change=${(event: Event) => this.keep(() => (this.type = (event.target as HTMLSelectElement).value))}
          >
            <option value="">any type</option>
            ${TYPES.map(each => html`<option value=${each.name} ?selected=${each.name === this.type}>${each.words}</option>`)}
          </select>
        </div>
        <tm-filter-builder
          .session=${this.session}
          .filter=${this.filter}
          .name=${this.name}
          @change=${(event: CustomEvent<Filter | undefined>) => this.keep(() => (this.filter = event.detail))}
        ></tm-filter-builder>
      </div>
      ${this.connection === 'ended' && this.why ? html`<p class="problem" role="alert">${this.why.text}</p>` : nothing}
      <div class="panel list">
        ${
          this.feed.held.length
            ? html`<button class="held" @click=${this.toggle}>Show ${this.held()} new</button>`
            : nothing
        }
        ${this.list()}
      </div>
    `
  }

  private list() {
    if (this.feed.shown.length === 0) {
      const opening = this.connection === 'opening'
      return html`<div class="state" role="status">
        <strong>${opening ? 'Listening…' : 'No such event in the last hour'}</strong>
        ${opening ? nothing : html`<p>What comes now is shown here at once.</p>`}
      </div>`
    }
    const narrow = (event: CustomEvent<{ field: string; value: string }>) =>
      this.keep(() => (this.filter = every([this.filter, same(event.detail.field, event.detail.value)])))
    return repeat(
      this.feed.shown,
      stored => idOf(stored.event),
      stored =>
        html`<tm-event-row .stored=${stored} .zone=${this.session.zone} @narrow=${narrow}></tm-event-row>`,
    )
  }

  private speed(): string {
    if (this.connection !== 'live') return ''
    return `${this.feed.more ? '≥ ' : ''}${decimals.format(this.rate)} events/s`
  }

  private held(): string {
    const { length } = this.feed.held
    return length === MOST ? `${MOST} or more` : String(length)
  }

  private toggle = () => {
    this.paused = !this.paused
    if (!this.paused) this.feed = released(this.feed)
  }

  /** The question that the filters make: one tree of conditions, as the address holds it. */
  private question() {
    const parts: Group = { ...empty(), nodes: [] }
    if (this.name) parts.nodes.push({ ...blank('name'), values: [this.name] })
    if (this.type) parts.nodes.push({ ...blank('type'), values: [this.type] })
    if (this.filter) parts.nodes.push(read(this.filter))
    const filter = write(parts)
    return create(QuerySchema, {
      timeRange: { last: { seconds: 3600n } },
      question: { case: 'events', value: { filter } },
    })
  }

  private open() {
    this.stream?.abort()
    this.stream = new AbortController()
    this.feed = start()
    const { project } = this.session
    const query = this.question()
    void follow<WatchQueryResponse>({
      open: (cursor, signal) => queries.watchQuery({ project, query, cursor, pageSize: PAGE }, { signal }),
      take: answer => this.take(answer),
      say: (connection, why) => this.say(connection, why),
      signal: this.stream.signal,
    })
  }

  private take({ kind, result }: WatchQueryResponse) {
    if (result.case !== 'events') return
    const { events } = result.value
    if (kind === Kind.SNAPSHOT) this.feed = replaced(events)
    if (kind === Kind.DELTA) this.feed = added(this.feed, events, Date.now(), this.paused, PAGE)
  }

  private say(connection: Connection, why?: Problem) {
    this.connection = connection
    this.why = why
    this.dispatchEvent(
      new CustomEvent('tm-connection', { detail: connection, bubbles: true, composed: true }),
    )
  }

  /** Changes a filter and keeps it in the address. */
  private keep(how: () => void) {
    how()
    const search = new URLSearchParams()
    if (this.name) search.set('name', this.name)
    if (this.type) search.set('type', this.type)
    if (this.filter) {
      const question = { case: 'events' as const, value: { filter: this.filter } }
      const { searchParams } = new URL(
        address.write({ query: create(QuerySchema, { question }), display: 0 }),
        location.href,
      )
      search.set('q', searchParams.get('q') ?? '')
    }
    navigate(search.size ? `/live?${search}` : '/live', { replace: true })
  }

  private arrive = (event: Event) => {
    if (moved(event)) this.recall()
  }

  /** Takes the filters from the address. */
  private recall = () => {
    const search = new URLSearchParams(location.search)
    this.name = search.get('name') ?? ''
    this.type = search.get('type') ?? ''
    const question = address.read(location.search)?.query.question
    this.filter = question?.case === 'events' ? question.value.filter : undefined
  }
}
